#!/usr/bin/env python3
"""Include law: modules include only what includes.txt allows, and link only that as well."""

import collections
import fnmatch
import os
import re

import source_tree

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "includes.txt")

FREESTANDING = {
    "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h",
    "string.h"}
LIBC = FREESTANDING | {"ctype.h", "errno.h", "float.h", "math.h", "stdatomic.h", "stdio.h", "stdlib.h"}
POSIX = LIBC | {
    "arpa/*", "dirent.h", "fcntl.h", "getopt.h", "grp.h", "ifaddrs.h", "locale.h", "net/*",
    "netdb.h", "netinet/*", "poll.h", "pthread.h", "pwd.h", "sched.h", "semaphore.h", "signal.h",
    "spawn.h", "strings.h", "sys/*", "syslog.h", "termios.h", "time.h", "unistd.h", "malloc.h"}
GROUPS = {"freestanding": FREESTANDING, "libc": LIBC, "posix": POSIX}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.MULTILINE)
LINKED = re.compile(r"coord_module\(\s*(\w+)(.*?)\)", re.DOTALL)


class Module:
    def __init__(self, name, folder, allowed):
        self.name, self.folder, self.allowed = name, folder, allowed
        self.system = set()
        self.external = []


def read_table(path):
    """The modules by name; raises ValueError where the table contradicts itself."""
    modules = collections.OrderedDict()
    for words in source_tree.table_lines(path):
        kind, name, rest = words[0], words[1], words[2:]
        if kind == "module":
            allowed = rest[2:]
            unknown = [module for module in allowed if module not in modules]
            if unknown:
                raise ValueError(f"{name}: {' '.join(unknown)}: no such module above this line")
            modules[name] = Module(name, rest[0], allowed)
        elif kind == "external":
            modules[name].external += rest
        elif kind == "system":
            modules[name].system = GROUPS[rest[0]]
        else:
            raise ValueError(f"{kind}: not one of module, external, system")
    return modules


def module_of(modules, path):
    """The module whose folder holds `path`; the longest folder wins."""
    inside = [module for module in modules.values() if path.startswith(module.folder + "/")]
    return max(inside, key=lambda module: len(module.folder), default=None)


def header_owner(root, modules, path, header):
    """Path of the project's file that `header`, included by `path`, names; None if it is none."""
    for folder in (os.path.dirname(path), "coordd", "libclient/include", "libclient", ""):
        candidate = os.path.normpath(os.path.join(folder, header))
        if os.path.exists(os.path.join(root, candidate)):
            return candidate
    first = header.split("/", 1)[0]
    if "/" in header and first in modules:
        return f"{modules[first].folder}/{header.split('/', 1)[1]}"
    return None


def matches(header, patterns):
    return any(fnmatch.fnmatchcase(header, pattern) for pattern in patterns)


def check_include(root, modules, path, header):
    """None, or what is wrong with this include."""
    module = module_of(modules, path)
    if matches(header, module.external):
        return None
    owner = header_owner(root, modules, path, header)
    if owner is not None:
        target = module_of(modules, owner)
        if target is None:
            return f'includes "{header}", which belongs to no module'
        if target is module or target.name in module.allowed:
            return None
        allowed = " ".join(module.allowed) or "nothing"
        return f'includes "{header}": {module.name} may include {allowed}, not {target.name}'
    if matches(header, POSIX):
        if matches(header, module.system):
            return None
        return f"includes <{header}>: {module.name} must not use that part of the system"
    owners = [other.name for other in modules.values() if matches(header, other.external)]
    if owners:
        return f"includes <{header}>: only {' and '.join(owners)} may"
    return f"includes <{header}>, which includes.txt does not know"


def check_links(modules, path, text):
    problems = []
    for match in LINKED.finditer(text):
        name, arguments = match.groups()
        words = arguments.split()
        if "DEPENDS" not in words:
            continue
        for word in words[words.index("DEPENDS") + 1:]:
            if word in ("SOURCES", "EXTERNAL"):
                break
            if name in modules and word not in modules[name].allowed:
                problems.append(f"{path}: {name} must not link {word}")
    return problems


def check(root, table=TABLE):
    modules = read_table(table)
    problems = []
    for path in source_tree.files(root, ".c", ".h"):
        if module_of(modules, path) is None:
            if path.startswith(("coordd/", "libclient/")):
                problems.append(f"{path}: its folder has no line in includes.txt")
            continue
        text = source_tree.blank_comments_and_strings(
            source_tree.read(root, path), keep_strings=True)
        for match in INCLUDE.finditer(text):
            problem = check_include(root, modules, path, match.group(2))
            if problem:
                line = text.count("\n", 0, match.start()) + 1
                problems.append(f"{path}:{line}: {problem}")
    for path in source_tree.files(root, "CMakeLists.txt"):
        problems += check_links(modules, path, source_tree.read(root, path))
    return problems


if __name__ == "__main__":
    source_tree.run(check, __doc__)
