"""Encrypted checkpoint images as CRIU's pull request 2297 writes them."""

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.constant_time import bytes_eq

from operation import Operation, Unsupported
from primitives import hmac, open_, seal, xts_decrypt, xts_encrypt

TAG, NONCE = 16, 12
CHUNK = 4096
PAGE = 4096


def split(octets, size):
    return [octets[at : at + size] for at in range(0, len(octets), size)]


def entry_seal(key, iv, msg):
    """A protobuf entry: its size, ciphertext, tag, nonce. An empty one is its size alone."""
    size = len(msg).to_bytes(4, "little")
    if not msg:
        return size
    ct, tag = seal(ChaCha20Poly1305(key), iv, b"", msg)
    return size + ct + tag + iv


def entry_open(key, framed):
    size = int.from_bytes(framed[:4], "little")
    expected = 4 + size + TAG + NONCE if size else 4
    if len(framed) != expected:
        raise ValueError(f"an entry of {len(framed)} bytes, not {expected}")
    if not size:
        return b""
    ct, tag, nonce = framed[4 : 4 + size], framed[4 + size : -NONCE], framed[-NONCE:]
    return open_(ChaCha20Poly1305(key), nonce, b"", ct, tag)


def raw_seal(key, iv, msg):
    """The chunks of a small ghost file: for each one tag, nonce, length, ciphertext."""
    chunks, nonces = split(msg, CHUNK), split(iv, NONCE)
    if len(iv) != len(chunks) * NONCE:
        raise Unsupported(f"{len(iv)} bytes of nonces for {len(chunks)} chunks")
    framed = b""
    for chunk, nonce in zip(chunks, nonces):
        ct, tag = seal(ChaCha20Poly1305(key), nonce, b"", chunk)
        framed += tag + nonce + len(ct).to_bytes(8, "little") + ct
    return framed


def raw_open(key, framed):
    msg = b""
    while framed:
        tag, nonce, length = framed[:16], framed[16:28], int.from_bytes(framed[28:36], "little")
        if length > min(CHUNK, len(framed) - 36):
            raise ValueError(f"a chunk of {length} bytes")
        msg += open_(ChaCha20Poly1305(key), nonce, b"", framed[36 : 36 + length], tag)
        framed = framed[36 + length :]
    return msg


def pages_digest(mac_key, addresses, pid, ct):
    """The XOR of the codes over each page's ciphertext, address and process."""
    digest = 0
    for page, address in zip(split(ct, PAGE), split(addresses, 8)):
        digest ^= int.from_bytes(hmac(mac_key, page + address + pid), "big")
    return digest.to_bytes(32, "big")


def pages_seal(key, mac_key, iv, addresses, pid, msg):
    """Whole pages, every one under the same tweak."""
    if len(msg) % PAGE or len(addresses) != len(msg) // PAGE * 8:
        raise Unsupported(f"{len(addresses)} bytes of addresses for {len(msg)} bytes of pages")
    ct = b"".join(xts_encrypt(key, iv, page) for page in split(msg, PAGE))
    return ct, pages_digest(mac_key, addresses, pid, ct)


def pages_open(key, mac_key, iv, addresses, pid, ct, digest):
    if len(ct) % PAGE or len(addresses) != len(ct) // PAGE * 8:
        raise ValueError(f"{len(addresses)} bytes of addresses for {len(ct)} bytes of pages")
    if not bytes_eq(pages_digest(mac_key, addresses, pid, ct), digest):
        raise ValueError("the digest does not hold")
    return b"".join(xts_decrypt(key, iv, page) for page in split(ct, PAGE))


PAGES = "key macKey iv addresses pid"
PAGES_SIZES = {"key": 64, "macKey": 32, "iv": 16, "pid": 4}

ALGORITHMS = {
    "criu-pr2297-entry": {
        "seal": Operation(entry_seal, "key iv msg", "framed", {"key": 32, "iv": NONCE}),
        "open": Operation(entry_open, "key framed", "msg", {"key": 32}),
    },
    "criu-pr2297-raw": {
        "seal": Operation(raw_seal, "key iv msg", "framed", {"key": 32}),
        "open": Operation(raw_open, "key framed", "msg", {"key": 32}),
    },
    "criu-pr2297-pages": {
        "seal": Operation(pages_seal, PAGES + " msg", "ct digest", PAGES_SIZES),
        "open": Operation(pages_open, PAGES + " ct digest", "msg", PAGES_SIZES),
    },
}
