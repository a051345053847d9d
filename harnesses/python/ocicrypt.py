"""Encrypted image layers as ocicrypt writes them."""

import base64
import json

from cryptography.hazmat.primitives.constant_time import bytes_eq

from operation import Operation
from primitives import ctr_decrypt, ctr_encrypt, hmac

CIPHER = "AES_256_CTR_HMAC_SHA256"
SIZES = {"key": 32, "iv": 16, "tag": 32}


def layer_seal(key, iv, msg):
    """One key encrypts and authenticates; the code is over the ciphertext alone."""
    ct = ctr_encrypt(key, iv, msg)
    return ct, hmac(key, ct)


def layer_open(key, iv, ct, tag):
    if not bytes_eq(hmac(key, ct), tag):
        raise ValueError("the code does not hold")
    return ctr_decrypt(key, iv, ct)


def options_open(private_options, public_options, ct):
    """Takes null for empty, as the implementation in Go does, and like both of them checks no digest.

    Both let a nonce in the public options, which nothing protects, override the sealed one; here it may only repeat it.
    """
    private, public = json.loads(private_options), json.loads(public_options)
    if public["cipher"] != CIPHER:
        raise ValueError(f"cipher {public['cipher']}, not {CIPHER}")
    key, tag = octets("key", private["symkey"]), octets("tag", public["hmac"])
    iv = octets("iv", private["cipheroptions"]["nonce"])
    public_cipher_options = public.get("cipheroptions") or {}
    if "nonce" in public_cipher_options and octets("iv", public_cipher_options["nonce"]) != iv:
        raise ValueError("the public nonce is not the sealed one")
    return layer_open(key, iv, ct, tag)


def octets(name, text):
    value = base64.b64decode(text, validate=True)
    if len(value) != SIZES[name]:
        raise ValueError(f"the options' {name} has {len(value)} bytes, not {SIZES[name]}")
    return value


ALGORITHMS = {
    "ocicrypt-layer": {
        "seal": Operation(layer_seal, "key iv msg", "ct tag", SIZES),
        "open": Operation(layer_open, "key iv ct tag", "msg", SIZES),
    },
    "ocicrypt-options": {"open": Operation(options_open, "privateOptions publicOptions ct", "msg")},
}
