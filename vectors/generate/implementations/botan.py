"""Botan 2, through its own Python module."""

import ctypes

import botan2

# The module declares this function of the library and has no name for it.
_KEY_WRAP = botan2._DLL.botan_key_wrap3394  # pylint: disable=protected-access


class Botan:
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

    def cbc(self, key, iv, msg):
        return self._cipher(f"AES-{len(key) * 8}/CBC/NoPadding", key, iv, msg)

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

    def key_wrap(self, key, msg):
        out = ctypes.create_string_buffer(len(msg) + 8)
        _KEY_WRAP(msg, len(msg), key, len(key), out, ctypes.byref(ctypes.c_size_t(len(out))))
        return out.raw

    def hkdf_sha256(self, ikm, salt, info, size):
        return bytes(botan2.kdf("HKDF(SHA-256)", ikm, size, salt, info))
