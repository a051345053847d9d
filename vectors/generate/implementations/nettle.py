"""nettle, through its C interface."""

import ctypes

TAG = 16
# More than any context of nettle's takes, and how it must be aligned.
CONTEXT, ALIGNMENT = 1 << 14, 64


def _context():
    buffer = ctypes.create_string_buffer(CONTEXT + ALIGNMENT)
    address = ctypes.addressof(buffer)
    return (ctypes.c_char * CONTEXT).from_buffer(buffer, -address % ALIGNMENT)


def _size(octets):
    return ctypes.c_size_t(len(octets))


class Nettle:
    def __init__(self):
        self._lib = ctypes.CDLL("libnettle.so.8")
        self.name = f"nettle {self._lib.nettle_version_major()}.{self._lib.nettle_version_minor()}"

    def __getattr__(self, function):
        """A function of the library."""
        if not function.startswith("nettle_"):
            raise AttributeError(function)
        return getattr(self._lib, function)

    def _aes(self, key):
        """A context with the key, and the function that encrypts blocks."""
        context, name = _context(), f"nettle_aes{len(key) * 8}"
        getattr(self, f"{name}_set_encrypt_key")(context, key)
        return context, getattr(self, f"{name}_encrypt")

    def _mode(self, mode, key, iv, msg):
        context, encrypt = self._aes(key)
        out, iv = ctypes.create_string_buffer(max(len(msg), 1)), ctypes.create_string_buffer(iv, len(iv))
        mode(context, encrypt, ctypes.c_size_t(16), iv, _size(msg), out, msg)
        return out.raw[: len(msg)]

    def xts(self, key, tweak, msg):
        context, out, name = _context(), ctypes.create_string_buffer(len(msg)), f"nettle_xts_aes{len(key) * 4}"
        getattr(self, f"{name}_set_encrypt_key")(context, key)
        getattr(self, f"{name}_encrypt_message")(context, tweak, _size(msg), out, msg)
        return out.raw

    def ctr(self, key, iv, msg):
        return self._mode(self.nettle_ctr_crypt, key, iv, msg)

    def cbc(self, key, iv, msg):
        return self._mode(self.nettle_cbc_encrypt, key, iv, msg)

    def block(self, key, msg):
        context, encrypt = self._aes(key)
        out = ctypes.create_string_buffer(len(msg))
        encrypt(context, _size(msg), out, msg)
        return out.raw

    def _sealed(self, name, context, aad, msg):
        out, tag = ctypes.create_string_buffer(max(len(msg), 1)), ctypes.create_string_buffer(TAG)
        getattr(self, f"{name}_update")(context, _size(aad), aad)
        getattr(self, f"{name}_encrypt")(context, _size(msg), out, msg)
        getattr(self, f"{name}_digest")(context, ctypes.c_size_t(TAG), tag)
        return out.raw[: len(msg)] + tag.raw

    def gcm(self, key, iv, aad, msg):
        context, name = _context(), f"nettle_gcm_aes{len(key) * 8}"
        getattr(self, f"{name}_set_key")(context, key)
        getattr(self, f"{name}_set_iv")(context, _size(iv), iv)
        return self._sealed(name, context, aad, msg)

    def chacha20_poly1305(self, key, iv, aad, msg):
        context = _context()
        self.nettle_chacha_poly1305_set_key(context, key)
        self.nettle_chacha_poly1305_set_nonce(context, iv)
        return self._sealed("nettle_chacha_poly1305", context, aad, msg)

    def sha256(self, msg):
        context, out = _context(), ctypes.create_string_buffer(32)
        self.nettle_sha256_init(context)
        self.nettle_sha256_update(context, _size(msg), msg)
        self.nettle_sha256_digest(context, _size(out), out)
        return out.raw

    def hmac_sha256(self, key, msg):
        context, out = _context(), ctypes.create_string_buffer(32)
        self.nettle_hmac_sha256_set_key(context, _size(key), key)
        self.nettle_hmac_sha256_update(context, _size(msg), msg)
        self.nettle_hmac_sha256_digest(context, _size(out), out)
        return out.raw

    def _key_wrap(self, key, iv, msg):
        context, _ = self._aes(key)
        out = ctypes.create_string_buffer(len(msg) + 8)
        getattr(self, f"nettle_aes{len(key) * 8}_keywrap")(context, iv, _size(out), out, msg)
        return out.raw

    def key_wrap(self, key, msg):
        return self._key_wrap(key, b"\xa6" * 8, msg)

    def key_wrap_padded(self, key, msg):
        """RFC 5649 over nettle's RFC 3394, which takes any initial value; one block is encrypted as it is."""
        iv, padded = b"\xa6\x59\x59\xa6" + len(msg).to_bytes(4, "big"), msg + bytes(-len(msg) % 8)
        return self.block(key, iv + padded) if len(padded) == 8 else self._key_wrap(key, iv, padded)

    def hkdf_sha256(self, ikm, salt, info, size):
        update, digest, length = self.nettle_hmac_sha256_update, self.nettle_hmac_sha256_digest, ctypes.c_size_t(32)
        context, key, out = _context(), ctypes.create_string_buffer(32), ctypes.create_string_buffer(size)
        self.nettle_hmac_sha256_set_key(context, _size(salt), salt)
        self.nettle_hkdf_extract(context, update, digest, length, _size(ikm), ikm, key)
        self.nettle_hmac_sha256_set_key(context, length, key)
        self.nettle_hkdf_expand(context, update, digest, length, _size(info), info, _size(out), out)
        return out.raw
