/* The primitives' operations. Lengths are checked here, so that a library sees only what the table allows. */
#include <string.h>

#include "algorithms.h"

enum { SEMIBLOCK = 8 };

bool equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < size; i++)
        difference |= a[i] ^ b[i];
    return difference == 0;
}

void xts(struct request *request, enum direction direction, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets tweak = take(request, "tweak", TWEAK);
    /* XTS is not defined for less than a block. */
    struct octets in = take_steps(request, from(direction), BLOCK, 1);
    struct octets out = make(request, in.size);
    if (well(request) && proceed(request, library.xts(direction, key, tweak.data, in, out.data)))
        answer(request, to(direction), out);
}

static void aead(struct request *request, enum aead aead, enum direction direction, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets nonce = take(request, "iv", NONCE);
    struct octets aad = take_any(request, "aad");
    struct octets in = take_any(request, from(direction));
    struct octets tag = direction == ENCRYPT ? make(request, TAG) : take(request, "tag", TAG);
    struct octets out = make(request, in.size);
    if (!well(request))
        return;
    if (direction == DECRYPT) {
        if (proceed(request, library.open(aead, key, nonce.data, aad, in, tag.data, out.data)))
            answer(request, "msg", out);
    } else if (proceed(request, library.seal(aead, key, nonce.data, aad, in, out.data, tag.data))) {
        answer(request, "ct", out);
        answer(request, "tag", tag);
    }
}

void gcm(struct request *request, enum direction direction, size_t key_size)
{
    aead(request, AES_GCM, direction, key_size);
}

void chacha20_poly1305(struct request *request, enum direction direction, size_t key_size)
{
    aead(request, CHACHA20_POLY1305, direction, key_size);
}

void ctr(struct request *request, enum direction direction, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets counter = take(request, "iv", BLOCK);
    struct octets in = take_any(request, from(direction));
    struct octets out = make(request, in.size);
    if (well(request) && proceed(request, library.ctr(key, counter.data, in, out.data)))
        answer(request, to(direction), out);
}

void blocks(struct request *request, enum direction direction, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets in = take_steps(request, from(direction), 0, BLOCK);
    struct octets out = make(request, in.size);
    if (well(request) && proceed(request, library.ecb(direction, key, in, out.data)))
        answer(request, to(direction), out);
}

void hmac(struct request *request, enum direction direction, size_t key_size)
{
    (void)direction, (void)key_size;
    struct octets key = take_any(request, "key");
    struct octets msg = take_any(request, "msg");
    struct octets tag = make(request, SHA256);
    if (well(request) && proceed(request, library.hmac(key, msg, tag.data)))
        answer(request, "tag", tag);
}

void sha256(struct request *request, enum direction direction, size_t key_size)
{
    (void)direction, (void)key_size;
    struct octets msg = take_any(request, "msg");
    struct octets digest = make(request, SHA256);
    if (well(request) && proceed(request, library.sha256(msg, digest.data)))
        answer(request, "digest", digest);
}

static struct octets take_aes_key(struct request *request)
{
    struct octets key = take_any(request, "key");
    if (key.size != 16 && key.size != 24 && key.size != 32)
        refuse(request, "key is not of 16, 24 or 32 bytes");
    return key;
}

void kw(struct request *request, enum direction direction, size_t key_size)
{
    (void)key_size;
    struct octets key = take_aes_key(request);
    struct octets in = take_steps(request, from(direction), (direction == ENCRYPT ? 2 : 3) * SEMIBLOCK, SEMIBLOCK);
    if (!well(request))
        return;
    struct octets out = make(request, direction == ENCRYPT ? in.size + SEMIBLOCK : in.size - SEMIBLOCK);
    if (proceed(request, library.kw(direction, key, in, out.data)))
        answer(request, to(direction), out);
}

void kwp(struct request *request, enum direction direction, size_t key_size)
{
    (void)key_size;
    struct octets key = take_aes_key(request);
    struct octets in = direction == ENCRYPT ? take_steps(request, "msg", 1, 1)
                                            : take_steps(request, "ct", 2 * SEMIBLOCK, SEMIBLOCK);
    if (!well(request))
        return;
    size_t padded = (in.size + SEMIBLOCK - 1) / SEMIBLOCK * SEMIBLOCK;
    struct octets out = make(request, direction == ENCRYPT ? padded + SEMIBLOCK : padded - SEMIBLOCK);
    if (proceed(request, library.kwp(direction, key, in, &out)))
        answer(request, to(direction), out);
}

void hkdf(struct request *request, enum direction direction, size_t key_size)
{
    (void)direction, (void)key_size;
    /* RFC 5869's bound of 255 digests is for the library to know; this one is for the memory. */
    size_t size = take_number(request, "size", 1 << 20);
    struct octets ikm = take_any(request, "ikm");
    struct octets salt = take_any(request, "salt");
    struct octets info = take_any(request, "info");
    struct octets okm = make(request, size);
    if (well(request) && proceed(request, library.hkdf(ikm, salt, info, okm)))
        answer(request, "okm", okm);
}

static const char *take_hash(struct request *request, const char *name)
{
    static const char *const hashes[] = {"SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"};
    const char *hash = take_text(request, name);
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        if (strcmp(hash, hashes[i]) == 0)
            return hash;
    refuse(request, "hash or mgfHash is not one of SHA-1, SHA-224, SHA-256, SHA-384 and SHA-512");
    return hash;
}

void oaep(struct request *request, enum direction direction, size_t key_size)
{
    (void)direction, (void)key_size;
    struct octets key = take_any(request, "key");
    const char *hash = take_hash(request, "hash"), *mgf_hash = take_hash(request, "mgfHash");
    struct octets label = take_any(request, "label");
    struct octets ct = take_any(request, "ct");
    /* A message is shorter than the modulus, and the key holds that. */
    struct octets msg = make(request, key.size);
    if (well(request) && proceed(request, library.oaep(key, hash, mgf_hash, label, ct, &msg)))
        answer(request, "msg", msg);
}
