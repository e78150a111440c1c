#!/usr/bin/env python3
"""describe.py DESCRIPTOR_SET OUT.c: what server reflection serves, as tables of C.

Reads the FileDescriptorSet that protoc-c wrote (google/protobuf/descriptor.proto, as far as names
go) and writes every file's bytes, and the name of everything declared in it, sorted.
"""

import sys

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
# Field numbers of descriptor.proto.
SET_FILE = 1
NAME = 1  # of everything
FILE_PACKAGE, FILE_MESSAGE, FILE_ENUM, FILE_SERVICE, FILE_EXTENSION = 2, 4, 5, 6, 7
MESSAGE_FIELD, MESSAGE_NESTED, MESSAGE_ENUM, MESSAGE_EXTENSION, MESSAGE_ONEOF = 2, 3, 4, 6, 8
ENUM_VALUE = 2
SERVICE_METHOD = 2


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """(number, bytes) of every field with a length."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == VARINT:
            _, at = varint(data, at)
        elif kind == BYTES:
            length, at = varint(data, at)
            yield key >> 3, data[at:at + length]
            at += length
        elif kind in (FIXED32, FIXED64):
            at += 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind}")


def all_of(data, number):
    return [value for each, value in fields(data) if each == number]


def text(data, number):
    return b"".join(all_of(data, number)[-1:]).decode()


def join(scope, name):
    return f"{scope}.{name}" if scope else name


def enum_symbols(data, scope):
    yield join(scope, text(data, NAME)), "OTHER"
    for value in all_of(data, ENUM_VALUE):  # they belong to the scope around the enum
        yield join(scope, text(value, NAME)), "OTHER"


def message_symbols(data, scope):
    name = join(scope, text(data, NAME))
    yield name, "MESSAGE"
    for each in all_of(data, MESSAGE_FIELD) + all_of(data, MESSAGE_ONEOF):
        yield join(name, text(each, NAME)), "OTHER"
    for nested in all_of(data, MESSAGE_NESTED):
        yield from message_symbols(nested, name)
    for enum in all_of(data, MESSAGE_ENUM):
        yield from enum_symbols(enum, name)
    if all_of(data, MESSAGE_EXTENSION):
        raise ValueError(f"{name}: extensions are not described; reflection.c says there are none")


def file_symbols(data):
    package = text(data, FILE_PACKAGE)
    for message in all_of(data, FILE_MESSAGE):
        yield from message_symbols(message, package)
    for enum in all_of(data, FILE_ENUM):
        yield from enum_symbols(enum, package)
    for service in all_of(data, FILE_SERVICE):
        name = join(package, text(service, NAME))
        yield name, "SERVICE"
        for method in all_of(service, SERVICE_METHOD):
            yield join(name, text(method, NAME)), "OTHER"
    if all_of(data, FILE_EXTENSION):
        raise ValueError("extensions are not described; reflection.c says there are none")


def rows(data):
    for at in range(0, len(data), 16):
        yield "    " + " ".join(f"{byte}," for byte in data[at:at + 16])


def main():
    with open(sys.argv[1], "rb") as source:
        files = all_of(source.read(), SET_FILE)
    symbols = sorted((name.encode(), kind, index) for index, data in enumerate(files)
                     for name, kind in file_symbols(data))
    lines = ['#include "wire/descriptors.h"', ""]
    for index, data in enumerate(files):
        lines += [f"static const uint8_t file_{index}[] = {{", *rows(data), "};", ""]
    lines.append("const struct wire_descriptor_file WIRE_DESCRIPTOR_FILES[] = {")
    for index, data in enumerate(files):
        lines.append(f'    {{"{text(data, NAME)}", file_{index}, sizeof(file_{index})}},')
    lines += ["};", "", "const struct wire_descriptor_symbol WIRE_DESCRIPTOR_SYMBOLS[] = {"]
    for name, kind, index in symbols:
        lines.append(f'    {{"{name.decode()}", {index}, WIRE_SYMBOL_{kind}}},')
    lines += ["};", "",
              f"const size_t WIRE_DESCRIPTOR_FILES_COUNT = {len(files)};",
              f"const size_t WIRE_DESCRIPTOR_SYMBOLS_COUNT = {len(symbols)};", ""]
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write("\n".join(lines))


if __name__ == "__main__":
    main()
