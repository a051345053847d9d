/* The protocol's table: each algorithm's operations, and what of the library they are made of. */
#ifndef ALGORITHMS_H
#define ALGORITHMS_H

#include "request.h"

/* ENCRYPT is the first operation of an algorithm (encrypt, seal, wrap, mac, ...), DECRYPT the one back. */
typedef void operation(struct request *request, enum direction direction, size_t key_size);

struct algorithm {
    const char *name;
    unsigned needs;
    size_t key_size;
    /* The operations' names, by direction; NULL where there is none. */
    const char *names[2];
    operation *run;
};

extern const struct algorithm algorithms[];
extern const size_t algorithms_count;

/* Whether the library has what the algorithm needs. */
bool offered(const struct algorithm *algorithm);

/* primitives.c */
operation xts, gcm, chacha20_poly1305, ctr, blocks, hmac, sha256, kw, kwp, hkdf, oaep;
/* dm_crypt.c */
operation essiv, gcm_random, xts_hmac;
/* criu.c */
operation criu_entry, criu_raw, criu_pages;
/* ocicrypt.c */
operation ocicrypt_layer, ocicrypt_options;

/* The names of what goes in and what comes out. */
static inline const char *from(enum direction direction)
{
    return direction == ENCRYPT ? "msg" : "ct";
}

static inline const char *to(enum direction direction)
{
    return direction == ENCRYPT ? "ct" : "msg";
}

/* Whether two codes are equal, in a time that does not depend on where they differ. */
bool equal(const uint8_t *a, const uint8_t *b, size_t size);

#endif
