/* What dm-crypt writes for a sector, with and without dm-integrity beside it. */
#include <string.h>

#include "algorithms.h"

enum { SECTOR = 8 };

/* aes-cbc-essiv:sha256: the IV is the sector's number, encrypted with the key's digest as key. */
void essiv(struct request *request, enum direction direction, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets sector = take(request, "sector", SECTOR);
    struct octets in = take_steps(request, from(direction), 0, BLOCK);
    struct octets salt = make(request, SHA256);
    struct octets number = make(request, BLOCK), iv = make(request, BLOCK), zeros = make(request, BLOCK);
    struct octets out = make(request, in.size);
    if (!well(request) || !proceed(request, library.sha256(key, salt.data)))
        return;
    memcpy(number.data, sector.data, SECTOR);
    /* One block in CBC with an IV of zeros is the block cipher alone. */
    if (proceed(request, library.cbc(ENCRYPT, salt, zeros.data, number, iv.data)) &&
        proceed(request, library.cbc(direction, key, iv.data, in, out.data)))
        answer(request, to(direction), out);
}

/* aes-gcm-random: a random nonce, stored beside the tag, and the sector's number authenticated with it. */
void gcm_random(struct request *request, enum direction direction, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets sector = take(request, "sector", SECTOR);
    struct octets nonce = take(request, "iv", NONCE);
    struct octets in = take_any(request, from(direction));
    struct octets tag = direction == ENCRYPT ? make(request, TAG) : take(request, "tag", TAG);
    struct octets aad = make(request, SECTOR + NONCE);
    struct octets out = make(request, in.size);
    if (!well(request))
        return;
    memcpy(aad.data, sector.data, SECTOR);
    memcpy(aad.data + SECTOR, nonce.data, NONCE);
    if (direction == DECRYPT) {
        if (proceed(request, library.open(AES_GCM, key, nonce.data, aad, in, tag.data, out.data)))
            answer(request, "msg", out);
    } else if (proceed(request, library.seal(AES_GCM, key, nonce.data, aad, in, out.data, tag.data))) {
        answer(request, "ct", out);
        answer(request, "tag", tag);
    }
}

/* HMAC over the sector's number, the tweak (plain64: the same number in 16 bytes) and the ciphertext. */
static bool authenticate(struct request *request, struct octets key, struct octets sector, struct octets ct,
                         struct octets tag)
{
    struct octets covered = make(request, SECTOR + TWEAK + ct.size);
    memcpy(covered.data, sector.data, SECTOR);
    memcpy(covered.data + SECTOR, sector.data, SECTOR);
    memcpy(covered.data + SECTOR + TWEAK, ct.data, ct.size);
    return proceed(request, library.hmac(key, covered, tag.data));
}

/* aes-xts-plain64 with hmac-sha256: encrypt, then authenticate. The volume key is XTS's, then HMAC's. */
void xts_hmac(struct request *request, enum direction direction, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets sector = take(request, "sector", SECTOR);
    struct octets in = take_steps(request, from(direction), BLOCK, 1);
    struct octets stored = direction == ENCRYPT ? make(request, SHA256) : take(request, "tag", SHA256);
    struct octets tweak = make(request, TWEAK), tag = make(request, SHA256), out = make(request, in.size);
    if (!well(request))
        return;
    struct octets xts_key = {key.data, 64}, mac_key = {key.data + 64, 32};
    memcpy(tweak.data, sector.data, SECTOR);
    if (direction == DECRYPT) {
        if (!authenticate(request, mac_key, sector, in, tag))
            return;
        if (!equal(tag.data, stored.data, SHA256))
            refuse(request, "the tag does not hold");
        else if (proceed(request, library.xts(DECRYPT, xts_key, tweak.data, in, out.data)))
            answer(request, "msg", out);
    } else if (proceed(request, library.xts(ENCRYPT, xts_key, tweak.data, in, out.data)) &&
               authenticate(request, mac_key, sector, out, tag)) {
        answer(request, "ct", out);
        answer(request, "tag", tag);
    }
}
