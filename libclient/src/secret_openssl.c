#include "secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <sys/random.h>

void client_secret_begin(void)
{
    /* Where it fails, so will whoever uses OpenSSL next. */
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

bool client_secret_draw(uint8_t secret[CLIENT_SECRET_BYTES], uint8_t hash[CLIENT_SECRET_HASH_BYTES])
{
    unsigned int bytes = 0;
    return getrandom(secret, CLIENT_SECRET_BYTES, 0) == (ssize_t)CLIENT_SECRET_BYTES &&
           EVP_Digest(secret, CLIENT_SECRET_BYTES, hash, &bytes, EVP_sha256(), NULL) == 1 &&
           bytes == CLIENT_SECRET_HASH_BYTES;
}
