"""What every checker of this folder shares: which files are ours, and C without its comments."""

import argparse
import os
import re
import sys

# What git ignores too, or what other languages' package managers make.
IGNORED_FOLDERS = {".git", ".dev", "build", "__pycache__", "node_modules", "target", ".venv", "dist"}
# What generators write: their rules, not ours.
GENERATED_FOLDERS = {
    "bindings/go/coord", "bindings/java/src/generated", "bindings/node/src/gen",
    "bindings/python/coord/v1", "bindings/rust/src/gen",
}


def files(root, *suffixes):
    """Paths under `root`, relative to it and sorted, whose name ends in one of `suffixes`."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in IGNORED_FOLDERS and
                      os.path.relpath(os.path.join(folder, name), root) not in GENERATED_FOLDERS]
        for name in names:
            if name.endswith(suffixes):
                found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


C_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank_comments_and_strings(text, keep_strings=False):
    """`text` (C) with comments and, unless kept, strings blanked; line numbers stay the same."""
    def blank(match):
        token = match.group()
        if keep_strings and token[0] in "\"'":
            return token
        return re.sub(r"[^\n]", " ", token)
    return C_TOKEN.sub(blank, text)


def table_lines(path):
    """The lines of a table file without comments and empty lines, each split into words."""
    with open(path, encoding="utf-8") as file:
        lines = (line.split("#", 1)[0].split() for line in file)
        return [words for words in lines if words]


def run(check, description):
    """The command line that all checkers share: [--root DIR]; prints problems; exit code 1 if any."""
    parser = argparse.ArgumentParser(description=description)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    problems = check(parser.parse_args().root)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problem(s)")
    sys.exit(1 if problems else 0)
