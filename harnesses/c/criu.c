/* What CRIU with pull request 2297 writes: protobuf entries, raw payloads and memory pages. */
#include <string.h>

#include "algorithms.h"

enum { ENTRY_SIZE = 4, CHUNK = 4096, CHUNK_SIZE = 8, CHUNK_HEADER = TAG + NONCE + CHUNK_SIZE, PAGE = 4096,
       ADDRESS = 8, PID = 4 };

static const struct octets nothing = {(uint8_t[]){0}, 0};

static void put_number(uint8_t *out, size_t bytes, uint64_t number)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(number >> 8 * i);
}

static uint64_t get_number(const uint8_t *in, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number |= (uint64_t)in[i] << 8 * i;
    return number;
}

static void seal_entry(struct request *request, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets nonce = take(request, "iv", NONCE);
    struct octets msg = take_any(request, "msg");
    /* An empty entry is its size alone. */
    struct octets framed = make(request, ENTRY_SIZE + (msg.size ? msg.size + TAG + NONCE : 0));
    if (msg.size > UINT32_MAX)
        refuse(request, "msg is longer than an entry may be");
    if (!well(request))
        return;
    put_number(framed.data, ENTRY_SIZE, msg.size);
    if (msg.size) {
        uint8_t *ct = framed.data + ENTRY_SIZE, *tag = ct + msg.size;
        if (!proceed(request, library.seal(CHACHA20_POLY1305, key, nonce.data, nothing, msg, ct, tag)))
            return;
        memcpy(tag + TAG, nonce.data, NONCE);
    }
    answer(request, "framed", framed);
}

static void open_entry(struct request *request, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets framed = take_steps(request, "framed", ENTRY_SIZE, 1);
    if (!well(request))
        return;
    uint64_t size = get_number(framed.data, ENTRY_SIZE);
    if (framed.size != ENTRY_SIZE + (size ? size + TAG + NONCE : 0)) {
        refuse(request, "framed is not as long as its size says");
        return;
    }
    struct octets msg = make(request, (size_t)size);
    if (size) {
        struct octets ct = {framed.data + ENTRY_SIZE, (size_t)size};
        const uint8_t *tag = ct.data + size, *nonce = tag + TAG;
        if (!proceed(request, library.open(CHACHA20_POLY1305, key, nonce, nothing, ct, tag, msg.data)))
            return;
    }
    answer(request, "msg", msg);
}

void criu_entry(struct request *request, enum direction direction, size_t key_size)
{
    (direction == ENCRYPT ? seal_entry : open_entry)(request, key_size);
}

static void seal_raw(struct request *request, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets msg = take_any(request, "msg");
    size_t chunks = (msg.size + CHUNK - 1) / CHUNK;
    struct octets nonces = take(request, "iv", chunks * NONCE);
    struct octets framed = make(request, msg.size + chunks * CHUNK_HEADER);
    for (size_t i = 0; well(request) && i < chunks; i++) {
        struct octets chunk = {msg.data + i * CHUNK, i + 1 < chunks ? CHUNK : msg.size - i * CHUNK};
        uint8_t *tag = framed.data + i * (CHUNK_HEADER + CHUNK), *nonce = tag + TAG, *size = nonce + NONCE;
        memcpy(nonce, nonces.data + i * NONCE, NONCE);
        put_number(size, CHUNK_SIZE, chunk.size);
        proceed(request, library.seal(CHACHA20_POLY1305, key, nonce, nothing, chunk, size + CHUNK_SIZE, tag));
    }
    answer(request, "framed", framed);
}

static void open_raw(struct request *request, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets framed = take_any(request, "framed");
    struct octets msg = make(request, framed.size);
    size_t done = 0;
    for (size_t at = 0; well(request) && at < framed.size;) {
        const uint8_t *tag = framed.data + at, *nonce = tag + TAG;
        if (framed.size - at < CHUNK_HEADER) {
            refuse(request, "a chunk's header is cut off");
            return;
        }
        uint64_t size = get_number(nonce + NONCE, CHUNK_SIZE);
        at += CHUNK_HEADER;
        if (size == 0 || size > CHUNK || size > framed.size - at) {
            refuse(request, "a chunk is empty, longer than 4096 bytes or cut off");
            return;
        }
        struct octets ct = {framed.data + at, (size_t)size};
        proceed(request, library.open(CHACHA20_POLY1305, key, nonce, nothing, ct, tag, msg.data + done));
        at += ct.size;
        done += ct.size;
    }
    answer(request, "msg", (struct octets){msg.data, done});
}

void criu_raw(struct request *request, enum direction direction, size_t key_size)
{
    (direction == ENCRYPT ? seal_raw : open_raw)(request, key_size);
}

/* The XOR of an HMAC for each page, over its ciphertext, its address and the process' number. */
static bool authenticate(struct request *request, struct octets key, struct octets ct, const uint8_t *addresses,
                         const uint8_t *pid, uint8_t *digest)
{
    struct octets covered = make(request, PAGE + ADDRESS + PID), code = make(request, SHA256);
    for (size_t i = 0; i < ct.size / PAGE; i++) {
        memcpy(covered.data, ct.data + i * PAGE, PAGE);
        memcpy(covered.data + PAGE, addresses + i * ADDRESS, ADDRESS);
        memcpy(covered.data + PAGE + ADDRESS, pid, PID);
        if (!proceed(request, library.hmac(key, covered, code.data)))
            return false;
        for (size_t j = 0; j < SHA256; j++)
            digest[j] ^= code.data[j];
    }
    return true;
}

/* Pages are units of XTS, every one with the same tweak. */
void criu_pages(struct request *request, enum direction direction, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets mac_key = take(request, "macKey", 32);
    struct octets tweak = take(request, "iv", TWEAK);
    struct octets pid = take(request, "pid", PID);
    struct octets in = take_steps(request, from(direction), 0, PAGE);
    struct octets addresses = take(request, "addresses", in.size / PAGE * ADDRESS);
    struct octets stored = direction == ENCRYPT ? make(request, SHA256) : take(request, "digest", SHA256);
    struct octets digest = make(request, SHA256), out = make(request, in.size);
    if (direction == DECRYPT && well(request) &&
        authenticate(request, mac_key, in, addresses.data, pid.data, digest.data) &&
        !equal(digest.data, stored.data, SHA256))
        refuse(request, "the digest does not hold");
    for (size_t at = 0; well(request) && at < in.size; at += PAGE) {
        struct octets page = {in.data + at, PAGE};
        proceed(request, library.xts(direction, key, tweak.data, page, out.data + at));
    }
    if (!well(request))
        return;
    answer(request, to(direction), out);
    if (direction == ENCRYPT && authenticate(request, mac_key, out, addresses.data, pid.data, digest.data))
        answer(request, "digest", digest);
}
