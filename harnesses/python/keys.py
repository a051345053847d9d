"""What wraps, derives and transports keys: AES key wrap, HKDF and RSA-OAEP."""

from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import (
    aes_key_unwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap,
    aes_key_wrap_with_padding,
)
from cryptography.hazmat.primitives.serialization import load_der_private_key

from operation import Operation, Unsupported

HASHES = {
    "SHA-1": hashes.SHA1(),
    "SHA-224": hashes.SHA224(),
    "SHA-256": hashes.SHA256(),
    "SHA-384": hashes.SHA384(),
    "SHA-512": hashes.SHA512(),
}


def check_key(key):
    if len(key) not in (16, 24, 32):
        raise Unsupported(f"AES has no keys of {len(key)} bytes")


def wrap(key, msg):
    check_key(key)
    if len(msg) < 16 or len(msg) % 8:
        raise Unsupported(f"RFC 3394 wraps 16, 24, 32, ... bytes, not {len(msg)}")
    return aes_key_wrap(key, msg)


def unwrap(key, ct):
    check_key(key)
    return aes_key_unwrap(key, ct)


def wrap_padded(key, msg):
    check_key(key)
    if not msg:
        raise Unsupported("RFC 5649 wraps at least one byte")
    return aes_key_wrap_with_padding(key, msg)


def unwrap_padded(key, ct):
    check_key(key)
    return aes_key_unwrap_with_padding(key, ct)


def hkdf(ikm, salt, info, size):
    return HKDF(hashes.SHA256(), size, salt, info).derive(ikm)


@lru_cache
def private_key(der):
    """Kept, because loading proves the key's primes, which takes far longer than to use it."""
    return load_der_private_key(der, None)


def oaep_decrypt(key, ct, algorithm, mgf_algorithm, label=None):
    return key.decrypt(ct, padding.OAEP(padding.MGF1(mgf_algorithm), algorithm, label))


def rsa_oaep(key, hash_name, mgf_hash_name, label, ct):
    for name in (hash_name, mgf_hash_name):
        if name not in HASHES:
            raise Unsupported(f"no hash {name}")
    return oaep_decrypt(private_key(key), ct, HASHES[hash_name], HASHES[mgf_hash_name], label)


ALGORITHMS = {
    "aes-kw": {
        "wrap": Operation(wrap, "key msg", "ct"),
        "unwrap": Operation(unwrap, "key ct", "msg"),
    },
    "aes-kwp": {
        "wrap": Operation(wrap_padded, "key msg", "ct"),
        "unwrap": Operation(unwrap_padded, "key ct", "msg"),
    },
    "hkdf-sha256": {"derive": Operation(hkdf, "ikm salt info size", "okm")},
    "rsa-oaep": {"decrypt": Operation(rsa_oaep, "key hash mgfHash label ct", "msg")},
}
