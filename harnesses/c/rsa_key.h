/* The numbers of an RSA key. libgcrypt reads no DER; GnuTLS, which does, reads it here for its harness. */
#ifndef RSA_KEY_H
#define RSA_KEY_H

#include "library.h"

struct rsa_key {
    /* Big-endian, without leading zeros. */
    struct octets n, e, d;
};

/* Reads PKCS #8 in DER. Returns NULL, or what is wrong; only in the former case there is something to release. */
const char *rsa_key_read(struct octets der, struct rsa_key *key);
void rsa_key_release(struct rsa_key *key);

#endif
