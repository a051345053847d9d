"""The independent implementations that have to agree on every generated vector.

Four code bases with no common origin: OpenSSL (through pyca/cryptography), Botan, libgcrypt, and nettle (through
GnuTLS). Each class has `name` and, for what it implements, methods that take and return bytes.
"""

import ctypes
import hashlib
import hmac

import botan2
from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

TAG = 16


class OpenSsl:
    """OpenSSL, through pyca/cryptography and hashlib."""

    name = backend.openssl_version_text().rsplit(" ", 3)[0] + " (pyca/cryptography)"

    def xts(self, key, tweak, msg):
        encryptor = Cipher(algorithms.AES(key), modes.XTS(tweak)).encryptor()
        return encryptor.update(msg) + encryptor.finalize()

    def ctr(self, key, iv, msg):
        encryptor = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
        return encryptor.update(msg) + encryptor.finalize()

    def block(self, key, msg):
        encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        return encryptor.update(msg) + encryptor.finalize()

    def gcm(self, key, iv, aad, msg):
        return AESGCM(key).encrypt(iv, msg, aad)

    def chacha20_poly1305(self, key, iv, aad, msg):
        return ChaCha20Poly1305(key).encrypt(iv, msg, aad)

    def sha256(self, msg):
        return hashlib.sha256(msg).digest()

    def hmac_sha256(self, key, msg):
        return hmac.new(key, msg, "sha256").digest()


class Botan:
    """Botan 2."""

    name = " ".join(botan2.version_string().split()[:2])

    def _cipher(self, algorithm, key, iv, msg, aad=None):
        cipher = botan2.SymmetricCipher(algorithm, True)
        cipher.set_key(key)
        if aad is not None:
            cipher.set_assoc_data(aad)
        cipher.start(iv)
        return bytes(cipher.finish(msg))

    def xts(self, key, tweak, msg):
        return self._cipher(f"AES-{len(key) * 4}/XTS", key, tweak, msg)

    def ctr(self, key, iv, msg):
        return self._cipher(f"CTR-BE(AES-{len(key) * 8},16)", key, iv, msg)

    def block(self, key, msg):
        cipher = botan2.BlockCipher(f"AES-{len(key) * 8}")
        cipher.set_key(key)
        return bytes(cipher.encrypt(msg))

    def gcm(self, key, iv, aad, msg):
        return self._cipher(f"AES-{len(key) * 8}/GCM", key, iv, msg, aad)

    def chacha20_poly1305(self, key, iv, aad, msg):
        return self._cipher("ChaCha20Poly1305", key, iv, msg, aad)

    def sha256(self, msg):
        digest = botan2.HashFunction("SHA-256")
        digest.update(msg)
        return bytes(digest.final())

    def hmac_sha256(self, key, msg):
        code = botan2.MsgAuthCode("HMAC(SHA-256)")
        code.set_key(key)
        code.update(msg)
        return bytes(code.final())


class Libgcrypt:
    """libgcrypt, through its C interface."""

    ECB, CTR, GCM, XTS, POLY1305 = 1, 6, 9, 13, 10
    AES128, AES256, CHACHA20 = 7, 9, 316
    SHA256, FLAG_HMAC = 8, 2

    def __init__(self):
        self._lib = ctypes.CDLL("libgcrypt.so.20")
        self._lib.gcry_check_version.restype = ctypes.c_char_p
        self.name = "libgcrypt " + self._lib.gcry_check_version(None).decode()

    @staticmethod
    def _checked(error):
        if error != 0:
            raise RuntimeError(f"libgcrypt error {error & 0xFFFF}")

    def _cipher(self, algorithm, mode, key, iv, msg, aad=None):
        lib, size = self._lib, ctypes.c_size_t
        handle = ctypes.c_void_p()
        self._checked(lib.gcry_cipher_open(ctypes.byref(handle), algorithm, mode, 0))
        self._checked(lib.gcry_cipher_setkey(handle, key, size(len(key))))
        if mode == self.CTR:
            self._checked(lib.gcry_cipher_setctr(handle, iv, size(len(iv))))
        elif iv is not None:
            self._checked(lib.gcry_cipher_setiv(handle, iv, size(len(iv))))
        if aad:
            self._checked(lib.gcry_cipher_authenticate(handle, aad, size(len(aad))))
        if aad is not None:
            # 5 is GCRYCTL_FINALIZE: the next call holds the last of the message.
            self._checked(lib.gcry_cipher_ctl(handle, 5, None, size(0)))
        out = ctypes.create_string_buffer(max(len(msg), 1))
        self._checked(lib.gcry_cipher_encrypt(handle, out, size(len(msg)), msg, size(len(msg))))
        tag = b""
        if aad is not None:
            buffer = ctypes.create_string_buffer(TAG)
            self._checked(lib.gcry_cipher_gettag(handle, buffer, size(TAG)))
            tag = buffer.raw
        lib.gcry_cipher_close(handle)
        return out.raw[: len(msg)] + tag

    def _aes(self, key_bytes):
        return {16: self.AES128, 32: self.AES256}[key_bytes]

    def xts(self, key, tweak, msg):
        return self._cipher(self._aes(len(key) // 2), self.XTS, key, tweak, msg)

    def ctr(self, key, iv, msg):
        return self._cipher(self._aes(len(key)), self.CTR, key, iv, msg)

    def block(self, key, msg):
        return self._cipher(self._aes(len(key)), self.ECB, key, None, msg)

    def gcm(self, key, iv, aad, msg):
        return self._cipher(self._aes(len(key)), self.GCM, key, iv, msg, aad)

    def chacha20_poly1305(self, key, iv, aad, msg):
        return self._cipher(self.CHACHA20, self.POLY1305, key, iv, msg, aad)

    def sha256(self, msg):
        out = ctypes.create_string_buffer(32)
        self._lib.gcry_md_hash_buffer(self.SHA256, out, msg, ctypes.c_size_t(len(msg)))
        return out.raw

    def hmac_sha256(self, key, msg):
        lib, size = self._lib, ctypes.c_size_t
        lib.gcry_md_read.restype = ctypes.c_void_p
        handle = ctypes.c_void_p()
        self._checked(lib.gcry_md_open(ctypes.byref(handle), self.SHA256, self.FLAG_HMAC))
        self._checked(lib.gcry_md_setkey(handle, key, size(len(key))))
        lib.gcry_md_write(handle, msg, size(len(msg)))
        out = ctypes.string_at(lib.gcry_md_read(handle, self.SHA256), 32)
        lib.gcry_md_close(handle)
        return out


class _Datum(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_uint)]


class GnuTls:
    """nettle, through the C interface of GnuTLS."""

    def __init__(self):
        self._lib = ctypes.CDLL("libgnutls.so.30")
        lib = self._lib
        lib.gnutls_check_version.restype = ctypes.c_char_p
        self.name = "GnuTLS " + lib.gnutls_check_version(None).decode()

    @staticmethod
    def _checked(error):
        if error < 0:
            raise RuntimeError(f"GnuTLS error {error}")

    def _algorithm(self, name):
        found = self._lib.gnutls_cipher_get_id(name.encode())
        if found == 0:
            raise RuntimeError(f"GnuTLS has no {name}")
        return found

    def xts(self, key, tweak, msg):
        lib, size = self._lib, ctypes.c_size_t
        handle = ctypes.c_void_p()
        algorithm = self._algorithm(f"AES-{len(key) * 4}-XTS")
        key, tweak = _Datum(key, len(key)), _Datum(tweak, len(tweak))
        self._checked(lib.gnutls_cipher_init(ctypes.byref(handle), algorithm, ctypes.byref(key), ctypes.byref(tweak)))
        out = ctypes.create_string_buffer(len(msg))
        self._checked(lib.gnutls_cipher_encrypt2(handle, msg, size(len(msg)), out, size(len(msg))))
        lib.gnutls_cipher_deinit(handle)
        return out.raw

    def _aead(self, name, key, iv, aad, msg):
        lib, size = self._lib, ctypes.c_size_t
        handle = ctypes.c_void_p()
        datum = _Datum(key, len(key))
        self._checked(lib.gnutls_aead_cipher_init(ctypes.byref(handle), self._algorithm(name), ctypes.byref(datum)))
        out = ctypes.create_string_buffer(len(msg) + TAG)
        length = size(len(out))
        self._checked(
            lib.gnutls_aead_cipher_encrypt(
                handle, iv, size(len(iv)), aad, size(len(aad)), size(TAG), msg, size(len(msg)), out, ctypes.byref(length)
            )
        )
        lib.gnutls_aead_cipher_deinit(handle)
        return out.raw[: length.value]

    def gcm(self, key, iv, aad, msg):
        return self._aead(f"AES-{len(key) * 8}-GCM", key, iv, aad, msg)

    def chacha20_poly1305(self, key, iv, aad, msg):
        return self._aead("CHACHA20-POLY1305", key, iv, aad, msg)

    def sha256(self, msg):
        out = ctypes.create_string_buffer(32)
        self._checked(self._lib.gnutls_hash_fast(6, msg, ctypes.c_size_t(len(msg)), out))
        return out.raw

    def hmac_sha256(self, key, msg):
        size = ctypes.c_size_t
        out = ctypes.create_string_buffer(32)
        self._checked(self._lib.gnutls_hmac_fast(6, key, size(len(key)), msg, size(len(msg)), out))
        return out.raw


class Disagreement(Exception):
    """Two implementations gave different answers, or fewer than three gave one."""


IMPLEMENTATIONS = [OpenSsl(), Botan(), Libgcrypt(), GnuTls()]


def agreed(operation, *arguments):
    """The answer of every implementation that has `operation`, and their names; at least three must answer."""
    answers = {
        implementation.name: getattr(implementation, operation)(*arguments)
        for implementation in IMPLEMENTATIONS
        if hasattr(implementation, operation)
    }
    if len(answers) < 3 or len(set(answers.values())) != 1:
        shown = {name: answer.hex()[:64] for name, answer in answers.items()}
        raise Disagreement(f"{operation} {[len(a) for a in arguments]}: {shown}")
    return next(iter(answers.values())), list(answers)
