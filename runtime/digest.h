/* digest.h: SHA-256 of files (FIPS 180-4). */
#ifndef SB_DIGEST_H
#define SB_DIGEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

enum { SB_SHA256_BYTES = 32 };

/* The digest of what is left to be read of a file; false, with a message, if it cannot be read. */
bool sb_sha256(FILE *f, uint8_t digest[SB_SHA256_BYTES], sb_error *e);

#endif
