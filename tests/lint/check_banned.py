#!/usr/bin/env python3
"""Calls that are not made anywhere, or only in the file that wraps them (banned.txt)."""

import fnmatch
import os
import re

import source_tree

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "banned.txt")


def read_table(path):
    """({function: what to use instead}, {function: [file patterns that may]})"""
    banned, exceptions = {}, {}
    for words in source_tree.table_lines(path):
        colon = words.index(":")
        if words[0] == "except":
            for name in words[1:colon]:
                exceptions.setdefault(name, []).extend(words[colon + 1:])
        else:
            for name in words[:colon]:
                banned[name] = " ".join(words[colon + 1:])
    return banned, exceptions


def check(root, table=TABLE):
    banned, exceptions = read_table(table)
    call = re.compile(r"(?<![\w.>])(" + "|".join(banned) + r")\s*\(")
    problems = []
    for path in source_tree.files(root, ".c", ".h"):
        text = source_tree.blank_comments_and_strings(source_tree.read(root, path))
        for match in call.finditer(text):
            name = match.group(1)
            if any(fnmatch.fnmatchcase(path, each) for each in exceptions.get(name, [])):
                continue
            line = text.count("\n", 0, match.start()) + 1
            problems.append(f"{path}:{line}: {name} is banned; use {banned[name]}")
    return problems


if __name__ == "__main__":
    source_tree.run(check, __doc__)
