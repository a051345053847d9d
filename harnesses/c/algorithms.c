#include "algorithms.h"

enum { XTS = 1, AEAD = 2, CTR = 4, ECB = 8, CBC = 16, HMAC = 32, HASH = 64, HKDF = 128, KW = 256, KWP = 512,
       OAEP = 1024, BASE64 = 2048 };

const struct algorithm algorithms[] = {
    {"aes-128-xts", XTS, 32, {"encrypt", "decrypt"}, xts},
    {"aes-256-xts", XTS, 64, {"encrypt", "decrypt"}, xts},
    {"aes-128-gcm", AEAD, 16, {"seal", "open"}, gcm},
    {"aes-256-gcm", AEAD, 32, {"seal", "open"}, gcm},
    {"chacha20-poly1305", AEAD, 32, {"seal", "open"}, chacha20_poly1305},
    {"aes-256-ctr", CTR, 32, {"encrypt", "decrypt"}, ctr},
    {"aes-256-block", ECB, 32, {"encrypt", "decrypt"}, blocks},
    {"hmac-sha256", HMAC, 0, {"mac", NULL}, hmac},
    {"sha-256", HASH, 0, {"digest", NULL}, sha256},
    {"aes-kw", KW, 0, {"wrap", "unwrap"}, kw},
    {"aes-kwp", KWP, 0, {"wrap", "unwrap"}, kwp},
    {"hkdf-sha256", HKDF, 0, {"derive", NULL}, hkdf},
    {"rsa-oaep", OAEP, 0, {NULL, "decrypt"}, oaep},
    {"aes-128-cbc-essiv-sha256", CBC | HASH, 16, {"encrypt", "decrypt"}, essiv},
    {"aes-256-cbc-essiv-sha256", CBC | HASH, 32, {"encrypt", "decrypt"}, essiv},
    {"dm-crypt-aes-256-gcm-random", AEAD, 32, {"seal", "open"}, gcm_random},
    {"dm-crypt-aes-256-xts-hmac-sha256", XTS | HMAC, 96, {"seal", "open"}, xts_hmac},
    {"criu-pr2297-entry", AEAD, 32, {"seal", "open"}, criu_entry},
    {"criu-pr2297-raw", AEAD, 32, {"seal", "open"}, criu_raw},
    {"criu-pr2297-pages", XTS | HMAC, 64, {"seal", "open"}, criu_pages},
    {"ocicrypt-layer", CTR | HMAC, 32, {"seal", "open"}, ocicrypt_layer},
    {"ocicrypt-options", CTR | HMAC | BASE64, 32, {NULL, "open"}, ocicrypt_options},
};

const size_t algorithms_count = sizeof algorithms / sizeof *algorithms;

bool offered(const struct algorithm *algorithm)
{
    unsigned has = (library.xts ? XTS : 0) | (library.seal && library.open ? AEAD : 0) | (library.ctr ? CTR : 0) |
                   (library.ecb ? ECB : 0) | (library.cbc ? CBC : 0) | (library.hmac ? HMAC : 0) |
                   (library.sha256 ? HASH : 0) | (library.hkdf ? HKDF : 0) | (library.kw ? KW : 0) |
                   (library.kwp ? KWP : 0) | (library.oaep ? OAEP : 0) | (library.base64 ? BASE64 : 0);
    return (has & algorithm->needs) == algorithm->needs;
}
