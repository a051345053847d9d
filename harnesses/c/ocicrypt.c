/* An encrypted layer of an OCI image: AES_256_CTR_HMAC_SHA256, with the cipher's options beside it as JSON. */
#include <string.h>

#include "algorithms.h"

/* The code covers the whole ciphertext and nothing else, under the cipher's own key. */
static void open_layer(struct request *request, struct octets key, struct octets counter, struct octets ct,
                       struct octets stored)
{
    struct octets tag = make(request, SHA256), msg = make(request, ct.size);
    if (!well(request) || !proceed(request, library.hmac(key, ct, tag.data)))
        return;
    if (!equal(tag.data, stored.data, SHA256))
        refuse(request, "the code does not hold");
    else if (proceed(request, library.ctr(key, counter.data, ct, msg.data)))
        answer(request, "msg", msg);
}

void ocicrypt_layer(struct request *request, enum direction direction, size_t key_size)
{
    struct octets key = take(request, "key", key_size);
    struct octets counter = take(request, "iv", BLOCK);
    struct octets in = take_any(request, from(direction));
    if (direction == DECRYPT) {
        open_layer(request, key, counter, in, take(request, "tag", SHA256));
        return;
    }
    struct octets ct = make(request, in.size), tag = make(request, SHA256);
    if (well(request) && proceed(request, library.ctr(key, counter.data, in, ct.data)) &&
        proceed(request, library.hmac(key, ct, tag.data))) {
        answer(request, "ct", ct);
        answer(request, "tag", tag);
    }
}

static json_t *take_options(struct request *request, const char *name)
{
    json_t *options = json_loads(take_text(request, name), JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(options))
        refuse(request, "the options are not a JSON object");
    return options;
}

/* An option of that size in base64, padded. Libraries are not as strict as RFC 4648 about what stands around it. */
static struct octets option(struct request *request, const json_t *options, const char *name, size_t size)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    const char *text = json_string_value(json_object_get(options, name));
    size_t characters = (size + 2) / 3 * 4;
    struct octets value = make(request, characters);
    if (!text || strlen(text) != characters || strspn(text, alphabet) != characters)
        refuse(request, "an option is missing or not base64 of its length");
    else if (proceed(request, library.base64(text, &value)) && value.size == size)
        return value;
    refuse(request, "an option is not base64 of its length");
    return make(request, size);
}

void ocicrypt_options(struct request *request, enum direction direction, size_t key_size)
{
    (void)direction;
    json_t *private = take_options(request, "privateOptions"), *public = take_options(request, "publicOptions");
    struct octets ct = take_any(request, "ct");
    const char *cipher = json_string_value(json_object_get(public, "cipher"));
    if (!cipher || strcmp(cipher, "AES_256_CTR_HMAC_SHA256") != 0)
        refuse(request, "the cipher is not AES_256_CTR_HMAC_SHA256");
    struct octets key = option(request, private, "symkey", key_size);
    struct octets counter = option(request, json_object_get(private, "cipheroptions"), "nonce", BLOCK);
    struct octets tag = option(request, public, "hmac", SHA256);
    /* Nothing authenticates the public options: another nonce there would change what comes out. */
    const json_t *public_cipher_options = json_object_get(public, "cipheroptions");
    if (json_object_get(public_cipher_options, "nonce") &&
        !equal(option(request, public_cipher_options, "nonce", BLOCK).data, counter.data, BLOCK))
        refuse(request, "the public options have another nonce");
    open_layer(request, key, counter, ct, tag);
    json_decref(private);
    json_decref(public);
}
