/* Nettle. It has no RFC 5649; RSA-OAEP came with 3.10. Its functions cannot fail, except where a code does not hold. */
#include <nettle/aes.h>
#include <nettle/base64.h>
#include <nettle/cbc.h>
#include <nettle/chacha-poly1305.h>
#include <nettle/ctr.h>
#include <nettle/gcm.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/nettle-meta.h>
#include <nettle/nist-keywrap.h>
#include <nettle/sha2.h>
#include <nettle/version.h>
#include <nettle/xts.h>
#include <stdio.h>
#include <string.h>

#include "library.h"

static const struct outcome not_authentic = {REFUSED, "the tag does not hold"};

static const char *start(void)
{
    return NULL;
}

static const char *version(void)
{
    static char text[32];
    snprintf(text, sizeof text, "%d.%d", nettle_version_major(), nettle_version_minor());
    return text;
}

static struct outcome xts(enum direction direction, struct octets key, const uint8_t *tweak, struct octets in,
                          uint8_t *out)
{
    struct xts_aes128_key aes128;
    struct xts_aes256_key aes256;
    if (key.size == 32 && direction == ENCRYPT) {
        xts_aes128_set_encrypt_key(&aes128, key.data);
        xts_aes128_encrypt_message(&aes128, tweak, in.size, out, in.data);
    } else if (key.size == 32) {
        xts_aes128_set_decrypt_key(&aes128, key.data);
        xts_aes128_decrypt_message(&aes128, tweak, in.size, out, in.data);
    } else if (direction == ENCRYPT) {
        xts_aes256_set_encrypt_key(&aes256, key.data);
        xts_aes256_encrypt_message(&aes256, tweak, in.size, out, in.data);
    } else {
        xts_aes256_set_decrypt_key(&aes256, key.data);
        xts_aes256_decrypt_message(&aes256, tweak, in.size, out, in.data);
    }
    return DONE_WELL;
}

union aead_context {
    struct gcm_aes128_ctx gcm_aes128;
    struct gcm_aes256_ctx gcm_aes256;
    struct chacha_poly1305_ctx chacha_poly1305;
};

static const struct nettle_aead *aead_start(enum aead aead, union aead_context *context, struct octets key,
                                            const uint8_t *nonce, struct octets aad)
{
    const struct nettle_aead *cipher = aead == CHACHA20_POLY1305 ? &nettle_chacha_poly1305
                                       : key.size == 16          ? &nettle_gcm_aes128
                                                                 : &nettle_gcm_aes256;
    cipher->set_encrypt_key(context, key.data);
    cipher->set_nonce(context, nonce);
    cipher->update(context, aad.size, aad.data);
    return cipher;
}

static struct outcome seal(enum aead aead, struct octets key, const uint8_t *nonce, struct octets aad,
                           struct octets msg, uint8_t *ct, uint8_t *tag)
{
    union aead_context context;
    const struct nettle_aead *cipher = aead_start(aead, &context, key, nonce, aad);
    cipher->encrypt(&context, msg.size, ct, msg.data);
    cipher->digest(&context, TAG, tag);
    return DONE_WELL;
}

static struct outcome open_(enum aead aead, struct octets key, const uint8_t *nonce, struct octets aad,
                            struct octets ct, const uint8_t *tag, uint8_t *msg)
{
    union aead_context context;
    uint8_t computed[TAG];
    const struct nettle_aead *cipher = aead_start(aead, &context, key, nonce, aad);
    cipher->decrypt(&context, ct.size, msg, ct.data);
    cipher->digest(&context, TAG, computed);
    return memeql_sec(computed, tag, TAG) ? DONE_WELL : not_authentic;
}

union aes_context {
    struct aes128_ctx aes128;
    struct aes192_ctx aes192;
    struct aes256_ctx aes256;
};

static const struct nettle_cipher *aes_start(union aes_context *context, enum direction direction, struct octets key)
{
    const struct nettle_cipher *cipher = key.size == 16   ? &nettle_aes128
                                         : key.size == 24 ? &nettle_aes192
                                                          : &nettle_aes256;
    (direction == ENCRYPT ? cipher->set_encrypt_key : cipher->set_decrypt_key)(context, key.data);
    return cipher;
}

static struct outcome ctr(struct octets key, const uint8_t *counter, struct octets in, uint8_t *out)
{
    union aes_context context;
    const struct nettle_cipher *cipher = aes_start(&context, ENCRYPT, key);
    uint8_t running[BLOCK];
    memcpy(running, counter, BLOCK);
    ctr_crypt(&context, cipher->encrypt, BLOCK, running, in.size, out, in.data);
    return DONE_WELL;
}

static struct outcome ecb(enum direction direction, struct octets key, struct octets in, uint8_t *out)
{
    union aes_context context;
    const struct nettle_cipher *cipher = aes_start(&context, direction, key);
    (direction == ENCRYPT ? cipher->encrypt : cipher->decrypt)(&context, in.size, out, in.data);
    return DONE_WELL;
}

static struct outcome cbc(enum direction direction, struct octets key, const uint8_t *iv, struct octets in,
                          uint8_t *out)
{
    union aes_context context;
    const struct nettle_cipher *cipher = aes_start(&context, direction, key);
    uint8_t running[BLOCK];
    memcpy(running, iv, BLOCK);
    if (direction == ENCRYPT)
        cbc_encrypt(&context, cipher->encrypt, BLOCK, running, in.size, out, in.data);
    else
        cbc_decrypt(&context, cipher->decrypt, BLOCK, running, in.size, out, in.data);
    return DONE_WELL;
}

static struct outcome hmac(struct octets key, struct octets msg, uint8_t *tag)
{
    struct hmac_sha256_ctx context;
    hmac_sha256_set_key(&context, key.size, key.data);
    hmac_sha256_update(&context, msg.size, msg.data);
    hmac_sha256_digest(&context, SHA256, tag);
    return DONE_WELL;
}

static struct outcome sha256(struct octets msg, uint8_t *digest)
{
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, msg.size, msg.data);
    sha256_digest(&context, SHA256, digest);
    return DONE_WELL;
}

static struct outcome hkdf(struct octets ikm, struct octets salt, struct octets info, struct octets okm)
{
    struct hmac_sha256_ctx context;
    nettle_hash_update_func *update = (nettle_hash_update_func *)hmac_sha256_update;
    nettle_hash_digest_func *digest = (nettle_hash_digest_func *)hmac_sha256_digest;
    uint8_t prk[SHA256];
    hmac_sha256_set_key(&context, salt.size, salt.data);
    hkdf_extract(&context, update, digest, SHA256, ikm.size, ikm.data, prk);
    hmac_sha256_set_key(&context, sizeof prk, prk);
    hkdf_expand(&context, update, digest, SHA256, info.size, info.data, okm.size, okm.data);
    return DONE_WELL;
}

static struct outcome kw(enum direction direction, struct octets key, struct octets in, uint8_t *out)
{
    static const uint8_t iv[] = {0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6};
    union aes_context context;
    const struct nettle_cipher *cipher = aes_start(&context, direction, key);
    if (direction == ENCRYPT)
        nist_keywrap16(&context, cipher->encrypt, iv, in.size + sizeof iv, out, in.data);
    else if (!nist_keyunwrap16(&context, cipher->decrypt, iv, in.size - sizeof iv, out, in.data))
        return not_authentic;
    return DONE_WELL;
}

static struct outcome base64(const char *text, struct octets *out)
{
    struct base64_decode_ctx context;
    base64_decode_init(&context);
    /* `out` is as long as the text, and what comes out is shorter. */
    if (base64_decode_update(&context, &out->size, out->data, strlen(text), text) && base64_decode_final(&context))
        return DONE_WELL;
    return (struct outcome){REFUSED, "an option is not base64"};
}

const struct library library = {
    .name = "nettle",
    .title = "Nettle",
    .version = version,
    .start = start,
    .xts = xts,
    .seal = seal,
    .open = open_,
    .ctr = ctr,
    .ecb = ecb,
    .cbc = cbc,
    .hmac = hmac,
    .sha256 = sha256,
    .hkdf = hkdf,
    .kw = kw,
    .base64 = base64,
};
