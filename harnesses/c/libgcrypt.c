/* libgcrypt. HKDF came with 1.11. */
#include <gcrypt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "library.h"
#include "rsa_key.h"

static struct outcome outcome(gcry_error_t error)
{
    switch (gcry_err_code(error)) {
    case GPG_ERR_NO_ERROR:
        return DONE_WELL;
    case GPG_ERR_CIPHER_ALGO:
    case GPG_ERR_INV_CIPHER_MODE:
    case GPG_ERR_INV_KEYLEN:
    case GPG_ERR_NOT_SUPPORTED:
        return (struct outcome){UNSUPPORTED, gcry_strerror(error)};
    default:
        return (struct outcome){REFUSED, gcry_strerror(error)};
    }
}

static const char *start(void)
{
    if (!gcry_check_version(GCRYPT_VERSION))
        return "libgcrypt is older than its headers were";
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    return NULL;
}

static const char *version(void)
{
    return gcry_check_version(NULL);
}

static int aes(size_t key_size)
{
    return key_size == 16 ? GCRY_CIPHER_AES128 : key_size == 24 ? GCRY_CIPHER_AES192 : GCRY_CIPHER_AES256;
}

/* A handle with its key; NULL on an error. */
static gcry_error_t cipher_open(gcry_cipher_hd_t *handle, int algorithm, int mode, unsigned flags, struct octets key)
{
    gcry_error_t error = gcry_cipher_open(handle, algorithm, mode, flags);
    if (!error && (error = gcry_cipher_setkey(*handle, key.data, key.size))) {
        gcry_cipher_close(*handle);
        *handle = NULL;
    }
    return error;
}

static gcry_error_t run(gcry_cipher_hd_t handle, enum direction direction, struct octets in, uint8_t *out,
                        size_t out_size)
{
    return (direction == ENCRYPT ? gcry_cipher_encrypt : gcry_cipher_decrypt)(handle, out, out_size, in.data, in.size);
}

static struct outcome cipher(int mode, enum direction direction, struct octets key, int algorithm, const uint8_t *iv,
                             struct octets in, uint8_t *out)
{
    gcry_cipher_hd_t handle;
    gcry_error_t error = cipher_open(&handle, algorithm, mode, 0, key);
    if (error)
        return outcome(error);
    if (mode == GCRY_CIPHER_MODE_CTR)
        error = gcry_cipher_setctr(handle, iv, BLOCK);
    else if (iv)
        error = gcry_cipher_setiv(handle, iv, BLOCK);
    if (!error)
        error = run(handle, direction, in, out, in.size);
    gcry_cipher_close(handle);
    return outcome(error);
}

static struct outcome xts(enum direction direction, struct octets key, const uint8_t *tweak, struct octets in,
                          uint8_t *out)
{
    return cipher(GCRY_CIPHER_MODE_XTS, direction, key, aes(key.size / 2), tweak, in, out);
}

static struct outcome ctr(struct octets key, const uint8_t *counter, struct octets in, uint8_t *out)
{
    return cipher(GCRY_CIPHER_MODE_CTR, ENCRYPT, key, aes(key.size), counter, in, out);
}

static struct outcome ecb(enum direction direction, struct octets key, struct octets in, uint8_t *out)
{
    return cipher(GCRY_CIPHER_MODE_ECB, direction, key, aes(key.size), NULL, in, out);
}

static struct outcome cbc(enum direction direction, struct octets key, const uint8_t *iv, struct octets in,
                          uint8_t *out)
{
    return cipher(GCRY_CIPHER_MODE_CBC, direction, key, aes(key.size), iv, in, out);
}

/* A handle that has taken nonce and associated data; the next call is its last. */
static gcry_error_t aead_open(gcry_cipher_hd_t *handle, enum aead aead, struct octets key, const uint8_t *nonce,
                              struct octets aad)
{
    gcry_error_t error =
        aead == AES_GCM ? cipher_open(handle, aes(key.size), GCRY_CIPHER_MODE_GCM, 0, key)
                        : cipher_open(handle, GCRY_CIPHER_CHACHA20, GCRY_CIPHER_MODE_POLY1305, 0, key);
    if (error)
        return error;
    if (!(error = gcry_cipher_setiv(*handle, nonce, NONCE)) &&
        !(error = gcry_cipher_authenticate(*handle, aad.data, aad.size)))
        error = gcry_cipher_final(*handle);
    if (error)
        gcry_cipher_close(*handle);
    return error;
}

static struct outcome seal(enum aead aead, struct octets key, const uint8_t *nonce, struct octets aad,
                           struct octets msg, uint8_t *ct, uint8_t *tag)
{
    gcry_cipher_hd_t handle;
    gcry_error_t error = aead_open(&handle, aead, key, nonce, aad);
    if (error)
        return outcome(error);
    if (!(error = run(handle, ENCRYPT, msg, ct, msg.size)))
        error = gcry_cipher_gettag(handle, tag, TAG);
    gcry_cipher_close(handle);
    return outcome(error);
}

static struct outcome open_(enum aead aead, struct octets key, const uint8_t *nonce, struct octets aad,
                            struct octets ct, const uint8_t *tag, uint8_t *msg)
{
    gcry_cipher_hd_t handle;
    gcry_error_t error = aead_open(&handle, aead, key, nonce, aad);
    if (error)
        return outcome(error);
    if (!(error = run(handle, DECRYPT, ct, msg, ct.size)))
        error = gcry_cipher_checktag(handle, tag, TAG);
    gcry_cipher_close(handle);
    return outcome(error);
}

static struct outcome hmac(struct octets key, struct octets msg, uint8_t *tag)
{
    gcry_mac_hd_t handle;
    size_t size = SHA256;
    gcry_error_t error = gcry_mac_open(&handle, GCRY_MAC_HMAC_SHA256, 0, NULL);
    if (error)
        return outcome(error);
    if (!(error = gcry_mac_setkey(handle, key.data, key.size)) &&
        !(error = gcry_mac_write(handle, msg.data, msg.size)))
        error = gcry_mac_read(handle, tag, &size);
    gcry_mac_close(handle);
    return outcome(error);
}

static struct outcome sha256(struct octets msg, uint8_t *digest)
{
    gcry_md_hash_buffer(GCRY_MD_SHA256, digest, msg.data, msg.size);
    return DONE_WELL;
}

#if GCRYPT_VERSION_NUMBER >= 0x010b00
static struct outcome hkdf(struct octets ikm, struct octets salt, struct octets info, struct octets okm)
{
    gcry_kdf_hd_t handle;
    unsigned long size = okm.size;
    /* RFC 5869's salt is the key here, and what is here the salt is not used. */
    gcry_error_t error = gcry_kdf_open(&handle, GCRY_KDF_HKDF, GCRY_MAC_HMAC_SHA256, &size, 1, ikm.data, ikm.size, NULL,
                                       0, salt.data, salt.size, info.data, info.size);
    if (error)
        return outcome(error);
    if (!(error = gcry_kdf_compute(handle, NULL)))
        error = gcry_kdf_final(handle, okm.size, okm.data);
    gcry_kdf_close(handle);
    return outcome(error);
}
#endif

static struct outcome kw(enum direction direction, struct octets key, struct octets in, uint8_t *out)
{
    gcry_cipher_hd_t handle;
    gcry_error_t error = cipher_open(&handle, aes(key.size), GCRY_CIPHER_MODE_AESWRAP, 0, key);
    if (error)
        return outcome(error);
    error = run(handle, direction, in, out, direction == ENCRYPT ? in.size + 8 : in.size - 8);
    gcry_cipher_close(handle);
    return outcome(error);
}

static struct outcome kwp(enum direction direction, struct octets key, struct octets in, struct octets *out)
{
    gcry_cipher_hd_t handle;
    gcry_error_t error =
        cipher_open(&handle, aes(key.size), GCRY_CIPHER_MODE_AESWRAP, GCRY_CIPHER_EXTENDED, key);
    if (error)
        return outcome(error);
    uint8_t length[4];
    size_t length_size = sizeof length;
    error = run(handle, direction, in, out->data, out->size);
    if (!error && direction == DECRYPT &&
        !(error = gcry_cipher_info(handle, GCRYCTL_GET_KEYLEN, length, &length_size))) {
        size_t size = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
        /* 0 tells that it was wrapped without padding, as in RFC 3394: libgcrypt takes either. */
        if (size > 0 && size <= out->size)
            out->size = size;
    }
    gcry_cipher_close(handle);
    return outcome(error);
}

static struct outcome oaep(struct octets der, const char *hash, const char *mgf_hash, struct octets label,
                           struct octets ct, struct octets *msg)
{
    if (strcmp(hash, mgf_hash) != 0)
        return (struct outcome){UNSUPPORTED, "libgcrypt has one hash for OAEP and its MGF1"};
    struct rsa_key parts;
    const char *unreadable = rsa_key_read(der, &parts);
    if (unreadable)
        return (struct outcome){REFUSED, unreadable};
    size_t modulus = parts.n.size;
    gcry_sexp_t key = NULL, data = NULL, plain = NULL, value = NULL;
    gcry_error_t error = gcry_sexp_build(&key, NULL, "(private-key(rsa(n%b)(e%b)(d%b)))", (int)parts.n.size,
                                         parts.n.data, (int)parts.e.size, parts.e.data, (int)parts.d.size,
                                         parts.d.data);
    rsa_key_release(&parts);
    if (!error && ct.size != modulus) {
        /* libgcrypt is given a number, which has no length: RFC 8017, 7.1.2, step 1b is the caller's. */
        gcry_sexp_release(key);
        return (struct outcome){REFUSED, "ct is not as long as the modulus"};
    }
    /* SHA-256 is sha256 here. */
    char name[8];
    snprintf(name, sizeof name, "sha%s", hash + strlen("SHA-"));
    if (!error && label.size)
        error = gcry_sexp_build(&data, NULL, "(enc-val(flags oaep)(hash-algo %s)(label %b)(rsa(a%b)))", name,
                                (int)label.size, label.data, (int)ct.size, ct.data);
    else if (!error)
        error = gcry_sexp_build(&data, NULL, "(enc-val(flags oaep)(hash-algo %s)(rsa(a%b)))", name, (int)ct.size,
                                ct.data);
    if (!error)
        error = gcry_pk_decrypt(&plain, data, key);
    if (!error) {
        size_t size = 0;
        value = gcry_sexp_find_token(plain, "value", 0);
        const char *octets = value ? gcry_sexp_nth_data(value, 1, &size) : NULL;
        msg->size = octets && size <= msg->size ? size : 0;
        if (octets)
            memcpy(msg->data, octets, msg->size);
    }
    gcry_sexp_release(value);
    gcry_sexp_release(plain);
    gcry_sexp_release(data);
    gcry_sexp_release(key);
    return outcome(error);
}

static struct outcome base64(const char *text, struct octets *out)
{
    gpgrt_b64state_t state = gpgrt_b64dec_start(NULL);
    if (!state)
        return (struct outcome){REFUSED, "no memory"};
    memcpy(out->data, text, strlen(text));
    gpg_error_t error = gpgrt_b64dec_proc(state, out->data, strlen(text), &out->size);
    gpg_error_t last = gpgrt_b64dec_finish(state);
    /* The end of the data is told as an error. */
    return outcome(gcry_err_code(error) == GPG_ERR_EOF ? last : error ? error : last);
}

const struct library library = {
    .name = "libgcrypt",
    .title = "libgcrypt",
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
#if GCRYPT_VERSION_NUMBER >= 0x010b00
    .hkdf = hkdf,
#endif
    .kw = kw,
    .kwp = kwp,
    .oaep = oaep,
    .base64 = base64,
};
