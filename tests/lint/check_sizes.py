#!/usr/bin/env python3
"""Sizes and unfinished work: short functions, short files, no open ends, a README in each module."""

import ast
import os
import re

import source_tree

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 1000

# Written in two halves, so that this file passes its own check.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")


def c_functions(text):
    """(name, first line, lines of the body) of each function; its braces stand in column 0."""
    lines = source_tree.blank_comments_and_strings(text).split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = number
        elif line.startswith("}") and start is not None:
            yield function_name(lines, start), start, number - start - 1
            start = None


def function_name(lines, start):
    """The identifier before the parameter list that ends above line `start`."""
    head = ""
    for line in reversed(lines[max(0, start - 12):start - 1]):
        if not line.strip() or line.rstrip().endswith((";", "}")) or line.startswith("#"):
            break
        head = line + " " + head
    match = re.search(r"(\w+)\s*\(", head)
    return match.group(1) if match else "?"


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno


def shell_functions(text):
    name, start = None, 0
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r"(\w+)\(\)\s*\{", line)
        if match:
            name, start = match.group(1), number
        elif line.startswith("}") and name:
            yield name, start, number - start - 1
            name = None


def functions_of(path, text):
    if path.endswith((".c", ".h")):
        return c_functions(text)
    if path.endswith(".py"):
        return python_functions(text)
    if path.endswith(".sh") or path == "dev":
        return shell_functions(text)
    return ()


def check_file(path, text):
    problems = []
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        problems.append(f"{path}: {lines} lines; a file has at most {FILE_LINES_MAX}")
    for name, line, length in functions_of(path, text):
        if length > FUNCTION_LINES_MAX:
            problems.append(f"{path}:{line}: {name} has {length} lines; "
                            f"a function has at most {FUNCTION_LINES_MAX}")
    for number, line in enumerate(text.split("\n"), 1):
        match = UNFINISHED.search(line)
        if match:
            problems.append(f"{path}:{number}: {match.group()}: finish it or open an issue")
    return problems


def check_readmes(root):
    folders = {os.path.dirname(path) for path in source_tree.files(root, ".c", ".h")
               if re.fullmatch(r"(coordd/\w+|libclient)/[\w-]+\.[ch]", path)}
    return [f"{folder}: a module has a README.md" for folder in sorted(folders)
            if not os.path.exists(os.path.join(root, folder, "README.md"))]


def check(root):
    problems = check_readmes(root)
    paths = source_tree.files(
        root, ".c", ".h", ".py", ".sh", ".proto", "CMakeLists.txt", ".yaml", ".md")
    if os.path.exists(os.path.join(root, "dev")):
        paths.append("dev")
    for path in paths:
        problems += check_file(path, source_tree.read(root, path))
    return problems


if __name__ == "__main__":
    source_tree.run(check, __doc__)
