/* GnuTLS. It has no AES-CTR, no bare block cipher and no key wrap; RSA-OAEP came with 3.8.4. */
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <string.h>

#include "library.h"

static struct outcome outcome(int result)
{
    if (result >= 0)
        return DONE_WELL;
    bool unknown = result == GNUTLS_E_UNKNOWN_CIPHER_TYPE || result == GNUTLS_E_UNIMPLEMENTED_FEATURE;
    return (struct outcome){unknown ? UNSUPPORTED : REFUSED, gnutls_strerror(result)};
}

static gnutls_datum_t datum(struct octets octets)
{
    return (gnutls_datum_t){octets.data, (unsigned)octets.size};
}

static const char *start(void)
{
    int result = gnutls_global_init();
    return result < 0 ? gnutls_strerror(result) : NULL;
}

static const char *version(void)
{
    return gnutls_check_version(NULL);
}

static struct outcome cipher(gnutls_cipher_algorithm_t algorithm, enum direction direction, struct octets key,
                             const uint8_t *iv, struct octets in, uint8_t *out)
{
    gnutls_cipher_hd_t handle;
    gnutls_datum_t key_datum = datum(key), iv_datum = {(uint8_t *)iv, BLOCK};
    int result = gnutls_cipher_init(&handle, algorithm, &key_datum, &iv_datum);
    if (result < 0)
        return outcome(result);
    result = (direction == ENCRYPT ? gnutls_cipher_encrypt2 : gnutls_cipher_decrypt2)(handle, in.data, in.size, out,
                                                                                     in.size);
    gnutls_cipher_deinit(handle);
    return outcome(result);
}

static struct outcome xts(enum direction direction, struct octets key, const uint8_t *tweak, struct octets in,
                          uint8_t *out)
{
    return cipher(key.size == 32 ? GNUTLS_CIPHER_AES_128_XTS : GNUTLS_CIPHER_AES_256_XTS, direction, key, tweak, in,
                  out);
}

static struct outcome cbc(enum direction direction, struct octets key, const uint8_t *iv, struct octets in,
                          uint8_t *out)
{
    return cipher(key.size == 16 ? GNUTLS_CIPHER_AES_128_CBC : GNUTLS_CIPHER_AES_256_CBC, direction, key, iv, in, out);
}

static int aead_init(gnutls_aead_cipher_hd_t *handle, enum aead aead, struct octets key)
{
    gnutls_datum_t key_datum = datum(key);
    gnutls_cipher_algorithm_t gcm = key.size == 16 ? GNUTLS_CIPHER_AES_128_GCM : GNUTLS_CIPHER_AES_256_GCM;
    return gnutls_aead_cipher_init(handle, aead == AES_GCM ? gcm : GNUTLS_CIPHER_CHACHA20_POLY1305, &key_datum);
}

/* The calls with vectors take the tag apart from the message, which they change in place. */
static struct outcome seal(enum aead aead, struct octets key, const uint8_t *nonce, struct octets aad,
                           struct octets msg, uint8_t *ct, uint8_t *tag)
{
    gnutls_aead_cipher_hd_t handle;
    int result = aead_init(&handle, aead, key);
    if (result < 0)
        return outcome(result);
    memcpy(ct, msg.data, msg.size);
    giovec_t covered = {aad.data, aad.size}, text = {ct, msg.size};
    size_t tag_size = TAG;
    result = gnutls_aead_cipher_encryptv2(handle, nonce, NONCE, &covered, 1, &text, 1, tag, &tag_size);
    gnutls_aead_cipher_deinit(handle);
    return outcome(result);
}

static struct outcome open_(enum aead aead, struct octets key, const uint8_t *nonce, struct octets aad,
                            struct octets ct, const uint8_t *tag, uint8_t *msg)
{
    gnutls_aead_cipher_hd_t handle;
    int result = aead_init(&handle, aead, key);
    if (result < 0)
        return outcome(result);
    memcpy(msg, ct.data, ct.size);
    giovec_t covered = {aad.data, aad.size}, text = {msg, ct.size};
    result = gnutls_aead_cipher_decryptv2(handle, nonce, NONCE, &covered, 1, &text, 1, (void *)tag, TAG);
    gnutls_aead_cipher_deinit(handle);
    return outcome(result);
}

static struct outcome hmac(struct octets key, struct octets msg, uint8_t *tag)
{
    return outcome(gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.data, key.size, msg.data, msg.size, tag));
}

static struct outcome sha256(struct octets msg, uint8_t *digest)
{
    return outcome(gnutls_hash_fast(GNUTLS_DIG_SHA256, msg.data, msg.size, digest));
}

static struct outcome hkdf(struct octets ikm, struct octets salt, struct octets info, struct octets okm)
{
    uint8_t prk[SHA256];
    gnutls_datum_t ikm_datum = datum(ikm), salt_datum = datum(salt), info_datum = datum(info),
                   prk_datum = {prk, sizeof prk};
    int result = gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &ikm_datum, &salt_datum, prk);
    if (result >= 0)
        result = gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &prk_datum, &info_datum, okm.data, okm.size);
    return outcome(result);
}

#if GNUTLS_VERSION_NUMBER >= 0x030804
static int oaep_key(gnutls_privkey_t key, struct octets der, gnutls_digest_algorithm_t digest, struct octets label)
{
    gnutls_x509_spki_t parameters;
    gnutls_datum_t text = datum(der), label_datum = datum(label);
    int result = gnutls_privkey_import_x509_raw(key, &text, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN);
    if (result < 0 || (result = gnutls_x509_spki_init(&parameters)) < 0)
        return result;
    result = gnutls_x509_spki_set_rsa_oaep_params(parameters, digest, label.size ? &label_datum : NULL);
    if (result >= 0)
        result = gnutls_privkey_set_spki(key, parameters, 0);
    gnutls_x509_spki_deinit(parameters);
    return result;
}

static struct outcome oaep(struct octets der, const char *hash, const char *mgf_hash, struct octets label,
                           struct octets ct, struct octets *msg)
{
    gnutls_digest_algorithm_t digest = strcmp(hash, "SHA-256") == 0   ? GNUTLS_DIG_SHA256
                                       : strcmp(hash, "SHA-384") == 0 ? GNUTLS_DIG_SHA384
                                       : strcmp(hash, "SHA-512") == 0 ? GNUTLS_DIG_SHA512
                                                                      : GNUTLS_DIG_UNKNOWN;
    if (digest == GNUTLS_DIG_UNKNOWN || strcmp(hash, mgf_hash) != 0)
        return (struct outcome){UNSUPPORTED, "GnuTLS has OAEP with SHA-256, SHA-384 and SHA-512, one for all"};
    gnutls_privkey_t key;
    gnutls_datum_t ct_datum = datum(ct), plain;
    int result = gnutls_privkey_init(&key);
    if (result < 0)
        return outcome(result);
    result = oaep_key(key, der, digest, label);
    if (result >= 0 && (result = gnutls_privkey_decrypt_data(key, 0, &ct_datum, &plain)) >= 0) {
        /* A message is shorter than the key, and so than the room for it. */
        msg->size = plain.size < msg->size ? plain.size : msg->size;
        memcpy(msg->data, plain.data, msg->size);
        gnutls_free(plain.data);
    }
    gnutls_privkey_deinit(key);
    return outcome(result);
}
#endif

const struct library library = {
    .name = "gnutls",
    .title = "GnuTLS",
    .version = version,
    .start = start,
    .xts = xts,
    .seal = seal,
    .open = open_,
    .cbc = cbc,
    .hmac = hmac,
    .sha256 = sha256,
    .hkdf = hkdf,
#if GNUTLS_VERSION_NUMBER >= 0x030804
    .oaep = oaep,
#endif
};
