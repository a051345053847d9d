/* What a library offers of the protocol's primitives: one `struct library` a program, in gnutls.c, libgcrypt.c and
 * nettle.c. What it has not stays NULL. Everything else in this folder is written against this file alone. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stddef.h>
#include <stdint.h>

enum { BLOCK = 16, TWEAK = 16, NONCE = 12, TAG = 16, SHA256 = 32 };

struct octets {
    uint8_t *data;
    size_t size;
};

enum verdict { DONE, REFUSED, UNSUPPORTED };

/* How an operation ended; `reason` is for people and lives as long as the program. */
struct outcome {
    enum verdict verdict;
    const char *reason;
};

#define DONE_WELL ((struct outcome){DONE, NULL})

enum direction { ENCRYPT, DECRYPT };
enum aead { AES_GCM, CHACHA20_POLY1305 };

/* Callers have checked all lengths. Outputs are as long as the inputs unless a comment says otherwise. AES takes its
 * size from the key. */
struct library {
    const char *name;
    const char *title;
    const char *(*version)(void);
    /* Before anything else. Returns NULL, or why the library cannot be used. */
    const char *(*start)(void);

    struct outcome (*xts)(enum direction, struct octets key, const uint8_t *tweak, struct octets in, uint8_t *out);
    struct outcome (*seal)(enum aead, struct octets key, const uint8_t *nonce, struct octets aad, struct octets msg,
                           uint8_t *ct, uint8_t *tag);
    struct outcome (*open)(enum aead, struct octets key, const uint8_t *nonce, struct octets aad, struct octets ct,
                           const uint8_t *tag, uint8_t *msg);
    struct outcome (*ctr)(struct octets key, const uint8_t *counter, struct octets in, uint8_t *out);
    /* Blocks, each on its own. */
    struct outcome (*ecb)(enum direction, struct octets key, struct octets in, uint8_t *out);
    struct outcome (*cbc)(enum direction, struct octets key, const uint8_t *iv, struct octets in, uint8_t *out);
    struct outcome (*hmac)(struct octets key, struct octets msg, uint8_t *tag);
    struct outcome (*sha256)(struct octets msg, uint8_t *digest);
    struct outcome (*hkdf)(struct octets ikm, struct octets salt, struct octets info, struct octets okm);
    /* RFC 3394: `in` is whole half blocks, two at least to wrap and three to unwrap. `out` has room for what comes
     * out: a half block more or less than `in`. */
    struct outcome (*kw)(enum direction, struct octets key, struct octets in, uint8_t *out);
    /* RFC 5649: `in` is 1 byte at least to wrap, whole half blocks and two at least to unwrap. `out` has room for
     * `out->size` bytes (all that may come) and is told how many came. */
    struct outcome (*kwp)(enum direction, struct octets key, struct octets in, struct octets *out);
    /* `key` is PKCS #8 in DER; the hashes are named as in the protocol. `msg` as `out` above. */
    struct outcome (*oaep)(struct octets key, const char *hash, const char *mgf_hash, struct octets label,
                           struct octets ct, struct octets *msg);
    /* Reads base64 as in RFC 4648, 4. `out` as above. */
    struct outcome (*base64)(const char *text, struct octets *out);
};

/* The one that is linked in. */
extern const struct library library;

#endif
