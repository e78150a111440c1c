#ifndef COORD_WIRE_DESCRIPTORS_H
#define COORD_WIRE_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The contract of the client port as protoc describes it: made at build time by describe.py from
 * proto/, linked into the program. Constant.
 */

struct wire_descriptor_file {
    const char *name;     /* "coord/v1/coord.proto" */
    const uint8_t *bytes; /* a google.protobuf.FileDescriptorProto */
    size_t bytes_count;
};

enum wire_symbol_kind {
    WIRE_SYMBOL_SERVICE,
    WIRE_SYMBOL_MESSAGE,
    WIRE_SYMBOL_OTHER, /* a method, field, oneof, enum or value of an enum */
};

struct wire_descriptor_symbol {
    const char *name; /* "coord.v1.Coordination.Call" */
    size_t file;      /* that declares it: index in the table above */
    enum wire_symbol_kind kind;
};

extern const struct wire_descriptor_file WIRE_DESCRIPTOR_FILES[];
extern const size_t WIRE_DESCRIPTOR_FILES_COUNT;

/* In the order of the names' bytes. */
extern const struct wire_descriptor_symbol WIRE_DESCRIPTOR_SYMBOLS[];
extern const size_t WIRE_DESCRIPTOR_SYMBOLS_COUNT;

#endif
