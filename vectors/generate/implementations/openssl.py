"""OpenSSL, through pyca/cryptography and hashlib."""

import hashlib
import hmac

from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def _encrypted(key, mode, msg):
    encryptor = Cipher(algorithms.AES(key), mode).encryptor()
    return encryptor.update(msg) + encryptor.finalize()


class OpenSsl:
    name = backend.openssl_version_text().rsplit(" ", 3)[0] + " (pyca/cryptography)"

    def xts(self, key, tweak, msg):
        return _encrypted(key, modes.XTS(tweak), msg)

    def ctr(self, key, iv, msg):
        return _encrypted(key, modes.CTR(iv), msg)

    def cbc(self, key, iv, msg):
        return _encrypted(key, modes.CBC(iv), msg)

    def block(self, key, msg):
        return _encrypted(key, modes.ECB(), msg)

    def gcm(self, key, iv, aad, msg):
        return AESGCM(key).encrypt(iv, msg, aad)

    def chacha20_poly1305(self, key, iv, aad, msg):
        return ChaCha20Poly1305(key).encrypt(iv, msg, aad)

    def sha256(self, msg):
        return hashlib.sha256(msg).digest()

    def hmac_sha256(self, key, msg):
        return hmac.new(key, msg, "sha256").digest()

    def key_wrap(self, key, msg):
        return keywrap.aes_key_wrap(key, msg)

    def key_wrap_padded(self, key, msg):
        return keywrap.aes_key_wrap_with_padding(key, msg)

    def hkdf_sha256(self, ikm, salt, info, size):
        return HKDF(hashes.SHA256(), size, salt, info).derive(ikm)
