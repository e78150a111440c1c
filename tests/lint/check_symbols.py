#!/usr/bin/env python3
"""Symbol law: the pure modules reference no clock, thread, randomness or I/O (symbols.txt)."""

import argparse
import fnmatch
import os
import subprocess
import sys

import source_tree

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "symbols.txt")


def read_table(path):
    """({library: [libraries it may call]}, {library or *: [patterns]})"""
    libraries, allowed = {}, {}
    for words in source_tree.table_lines(path):
        if words[0] == "library":
            libraries[words[1]] = words[3:]
        elif words[0] == "allow":
            allowed.setdefault(words[1], []).extend(words[2:])
        else:
            raise ValueError(f"{words[0]}: not one of library, allow")
    return libraries, allowed


def symbols(archive):
    """(defined, {undefined symbol: object file that wants it}) of a static library."""
    output = subprocess.run(
        ["nm", "--format=posix", archive], check=True, capture_output=True, text=True).stdout
    defined, undefined, member = set(), {}, archive
    for line in output.splitlines():
        if line.endswith("]:"):
            member = line.rstrip(":")
            continue
        words = line.split()
        if len(words) < 2:
            continue
        if words[1] in "Uw":
            undefined.setdefault(words[0], member)
        else:
            defined.add(words[0])
    return defined, undefined


def archive_name(folder, library):
    return os.path.join(folder, library, f"libcoord_{library}.a")


def check(folder, table=TABLE):
    """Problems of the libraries that were built under `folder` (the build's coordd/)."""
    libraries, allowed = read_table(table)
    problems = []
    for library, callees in libraries.items():
        archive = archive_name(folder, library)
        if not os.path.exists(archive):
            problems.append(f"{archive}: it was not built")
            continue
        known, undefined = symbols(archive)
        for callee in callees:
            known |= symbols(archive_name(folder, callee))[0]
        patterns = allowed.get("*", []) + allowed.get(library, [])
        for symbol, member in sorted(undefined.items()):
            if symbol in known or any(fnmatch.fnmatchcase(symbol, each) for each in patterns):
                continue
            problems.append(f"{os.path.basename(member)}: references {symbol}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="the build's coordd folder")
    problems = check(parser.parse_args().folder)
    print("\n".join(problems + [f"{len(problems)} problem(s)"]))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
