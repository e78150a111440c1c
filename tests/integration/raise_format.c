/*
 * raise_format FILE: makes a segment of the log look as if a newer coordd had written it: its
 * format version grows by one and its header block gets the checksum that belongs to it.
 */

#include "storage/segment.h"

#include <stdio.h>

static int fail(const char *what)
{
    perror(what);
    return 1;
}

int main(int argc, char **argv)
{
    uint8_t block[SEGMENT_HEADER_BYTES];
    struct segment_header header;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: raise_format FILE\n");
        return 2;
    }
    FILE *file = fopen(argv[1], "r+b");
    if (file == NULL || fread(block, sizeof(block), 1, file) != 1) {
        return fail(argv[1]);
    }
    if (segment_decode_header(block, &header) != CD_OK) {
        (void)fprintf(stderr, "%s: not a segment of this format\n", argv[1]);
        return 1;
    }
    header.format_version++;
    segment_encode_header(block, &header);
    if (fseek(file, 0, SEEK_SET) != 0 || fwrite(block, sizeof(block), 1, file) != 1 ||
        fclose(file) != 0) {
        return fail(argv[1]);
    }
    return 0;
}
