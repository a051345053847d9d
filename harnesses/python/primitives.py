"""The primitives, as the library has them."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hmac import HMAC

from operation import Operation, Unsupported

AEAD_TAG = 16
SHA256 = hashes.SHA256()


def encrypt(cipher, msg):
    """Encrypts with a cipher without a tag. All that the library can refuse is a key or a length."""
    try:
        encryptor = cipher.encryptor()
        return encryptor.update(msg) + encryptor.finalize()
    except ValueError as refusal:
        raise Unsupported(str(refusal)) from refusal


def decrypt(cipher, ct):
    try:
        decryptor = cipher.decryptor()
        return decryptor.update(ct) + decryptor.finalize()
    except ValueError as refusal:
        raise Unsupported(str(refusal)) from refusal


def xts_encrypt(key, tweak, msg):
    return encrypt(Cipher(algorithms.AES(key), modes.XTS(tweak)), msg)


def xts_decrypt(key, tweak, ct):
    return decrypt(Cipher(algorithms.AES(key), modes.XTS(tweak)), ct)


def ctr_encrypt(key, iv, msg):
    return encrypt(Cipher(algorithms.AES(key), modes.CTR(iv)), msg)


def ctr_decrypt(key, iv, ct):
    return decrypt(Cipher(algorithms.AES(key), modes.CTR(iv)), ct)


def block_encrypt(key, msg):
    return encrypt(Cipher(algorithms.AES(key), modes.ECB()), msg)


def block_decrypt(key, ct):
    return decrypt(Cipher(algorithms.AES(key), modes.ECB()), ct)


def hmac(key, msg, algorithm=SHA256):
    context = HMAC(key, algorithm)
    context.update(msg)
    return context.finalize()


def sha256(msg):
    context = hashes.Hash(SHA256)
    context.update(msg)
    return context.finalize()


def seal(aead, iv, aad, msg):
    """Returns ciphertext and tag, which the library gives in one piece."""
    sealed = aead.encrypt(iv, msg, aad)
    return sealed[:-AEAD_TAG], sealed[-AEAD_TAG:]


def open_(aead, iv, aad, ct, tag):
    """Raises InvalidTag where the tag does not hold."""
    return aead.decrypt(iv, ct + tag, aad)


def xts(key_size):
    sizes = {"key": key_size, "tweak": 16}
    return {
        "encrypt": Operation(xts_encrypt, "key tweak msg", "ct", sizes),
        "decrypt": Operation(xts_decrypt, "key tweak ct", "msg", sizes),
    }


def aead(algorithm, key_size):
    sizes = {"key": key_size, "iv": 12, "tag": AEAD_TAG}
    return {
        "seal": Operation(lambda key, *values: seal(algorithm(key), *values), "key iv aad msg", "ct tag", sizes),
        "open": Operation(lambda key, *values: open_(algorithm(key), *values), "key iv aad ct tag", "msg", sizes),
    }


ALGORITHMS = {
    "aes-128-xts": xts(32),
    "aes-256-xts": xts(64),
    "aes-128-gcm": aead(AESGCM, 16),
    "aes-256-gcm": aead(AESGCM, 32),
    "chacha20-poly1305": aead(ChaCha20Poly1305, 32),
    "aes-256-ctr": {
        "encrypt": Operation(ctr_encrypt, "key iv msg", "ct", {"key": 32, "iv": 16}),
        "decrypt": Operation(ctr_decrypt, "key iv ct", "msg", {"key": 32, "iv": 16}),
    },
    "aes-256-block": {
        "encrypt": Operation(block_encrypt, "key msg", "ct", {"key": 32}),
        "decrypt": Operation(block_decrypt, "key ct", "msg", {"key": 32}),
    },
    "hmac-sha256": {"mac": Operation(hmac, "key msg", "tag")},
    "sha-256": {"digest": Operation(sha256, "msg", "digest")},
}
