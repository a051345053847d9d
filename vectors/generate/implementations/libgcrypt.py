"""libgcrypt, through its C interface."""

import ctypes

TAG = 16
AES = {16: 7, 24: 8, 32: 9}
CHACHA20 = 316
ECB, CBC, CTR, AESWRAP, GCM, POLY1305, XTS = 1, 3, 6, 7, 9, 10, 13
EXTENDED = 16
SHA256, FLAG_HMAC = 8, 2
FINALIZE = 5


def _checked(error):
    if error != 0:
        raise RuntimeError(f"libgcrypt error {error & 0xFFFF}")


class Libgcrypt:
    def __init__(self):
        self._lib = ctypes.CDLL("libgcrypt.so.20")
        self._lib.gcry_check_version.restype = ctypes.c_char_p
        self.name = "libgcrypt " + self._lib.gcry_check_version(None).decode()

    def _cipher(self, algorithm, mode, key, iv, msg, aad=None, flags=0, size=None):
        """`size` is how long the answer is, where that is not the message's length."""
        lib, length = self._lib, ctypes.c_size_t
        handle = ctypes.c_void_p()
        _checked(lib.gcry_cipher_open(ctypes.byref(handle), algorithm, mode, flags))
        _checked(lib.gcry_cipher_setkey(handle, key, length(len(key))))
        if mode == CTR:
            _checked(lib.gcry_cipher_setctr(handle, iv, length(len(iv))))
        elif iv is not None:
            _checked(lib.gcry_cipher_setiv(handle, iv, length(len(iv))))
        if aad:
            _checked(lib.gcry_cipher_authenticate(handle, aad, length(len(aad))))
        if aad is not None:
            # The next call holds the last of the message.
            _checked(lib.gcry_cipher_ctl(handle, FINALIZE, None, length(0)))
        size = len(msg) if size is None else size
        out = ctypes.create_string_buffer(max(size, 1))
        _checked(lib.gcry_cipher_encrypt(handle, out, length(size), msg, length(len(msg))))
        tag = b""
        if aad is not None:
            buffer = ctypes.create_string_buffer(TAG)
            _checked(lib.gcry_cipher_gettag(handle, buffer, length(TAG)))
            tag = buffer.raw
        lib.gcry_cipher_close(handle)
        return out.raw[:size] + tag

    def xts(self, key, tweak, msg):
        return self._cipher(AES[len(key) // 2], XTS, key, tweak, msg)

    def ctr(self, key, iv, msg):
        return self._cipher(AES[len(key)], CTR, key, iv, msg)

    def cbc(self, key, iv, msg):
        return self._cipher(AES[len(key)], CBC, key, iv, msg)

    def block(self, key, msg):
        return self._cipher(AES[len(key)], ECB, key, None, msg)

    def gcm(self, key, iv, aad, msg):
        return self._cipher(AES[len(key)], GCM, key, iv, msg, aad)

    def chacha20_poly1305(self, key, iv, aad, msg):
        return self._cipher(CHACHA20, POLY1305, key, iv, msg, aad)

    def sha256(self, msg):
        out = ctypes.create_string_buffer(32)
        self._lib.gcry_md_hash_buffer(SHA256, out, msg, ctypes.c_size_t(len(msg)))
        return out.raw

    def hmac_sha256(self, key, msg):
        lib, size = self._lib, ctypes.c_size_t
        lib.gcry_md_read.restype = ctypes.c_void_p
        handle = ctypes.c_void_p()
        _checked(lib.gcry_md_open(ctypes.byref(handle), SHA256, FLAG_HMAC))
        _checked(lib.gcry_md_setkey(handle, key, size(len(key))))
        lib.gcry_md_write(handle, msg, size(len(msg)))
        out = ctypes.string_at(lib.gcry_md_read(handle, SHA256), 32)
        lib.gcry_md_close(handle)
        return out

    def key_wrap(self, key, msg):
        return self._cipher(AES[len(key)], AESWRAP, key, None, msg, size=len(msg) + 8)

    def key_wrap_padded(self, key, msg):
        size = -(-len(msg) // 8) * 8 + 8
        return self._cipher(AES[len(key)], AESWRAP, key, None, msg, flags=EXTENDED, size=size)
