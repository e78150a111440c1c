#include "crypto/crypto.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <limits.h>

void crypto_sha256(const void *from, size_t bytes, uint8_t ret_digest[CRYPTO_SHA256_BYTES])
{
    unsigned int length = 0;
    int done = EVP_Digest(from, bytes, ret_digest, &length, EVP_sha256(), NULL);
    CD_ASSERT(done == 1);
    CD_ASSERT(length == CRYPTO_SHA256_BYTES);
}

void crypto_random(void *to, size_t bytes)
{
    CD_ASSERT(bytes <= INT_MAX);
    int done = RAND_bytes(to, (int)bytes);
    CD_ASSERT(done == 1);
}
