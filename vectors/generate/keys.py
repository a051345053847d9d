"""Key wrapping and key derivation: what RFCs print, and lengths that no public set has."""

from cryptography.hazmat.primitives import keywrap

import standards_keys
from implementations import agreed
from messages import flipped, must_refuse
from model import FACTS, GENERATED, OWN_LICENCE, File, Stream

WRAPS = {
    "aes-kw": ("key_wrap", keywrap.aes_key_unwrap),
    "aes-kwp": ("key_wrap_padded", keywrap.aes_key_unwrap_with_padding),
}


def unwrapped(unwrap, key, ct):
    """What OpenSSL unwraps, or None where it refuses."""
    try:
        return unwrap(key, ct)
    except (keywrap.InvalidUnwrap, ValueError):
        return None


def write_standard(algorithm, source, cases):
    file = File(f"{algorithm}-{source.lower().replace(' ', '')}", algorithm, source, FACTS, [])
    operation, _ = WRAPS[algorithm]
    for comment, key, msg, ct in cases:
        if file.agreed(operation, key, msg) != ct:
            raise SystemExit(f"{comment} is not what the implementations answer")
        file.add({"keySize": len(key) * 8}, comment, [], key=key, msg=msg, ct=ct)
    file.write()


def write_lengths(algorithm, lengths):
    """Wrapped keys of every length, and for each key size one message that is broken in every octet."""
    file = File(f"{algorithm}-lengths", algorithm, GENERATED, OWN_LICENCE, ["OpenSSL refuses each invalid case."])
    operation, unwrap = WRAPS[algorithm]
    stream = Stream(algorithm)
    for key_bytes in (16, 24, 32):
        key = stream.take(key_bytes)
        group = {"keySize": key_bytes * 8, "key": key}
        for length in lengths:
            msg = stream.take(length)
            file.add(group, f"{length} bytes", [], msg=msg, ct=file.agreed(operation, key, msg))
        msg = stream.take(32)
        ct = file.agreed(operation, key, msg)
        cases = [(f"bit 0 of byte {at} changed", "ModifiedCiphertext", flipped(ct, at)) for at in range(len(ct))]
        cases += [(f"cut to {left} bytes", "Truncated", ct[:left]) for left in (0, 8, 16, 24, 32, 39)]
        other = "key_wrap" if algorithm == "aes-kwp" else "key_wrap_padded"
        cases += [
            ("8 bytes follow", "ModifiedCiphertext", ct + bytes(8)),
            ("one byte follows", "ModifiedCiphertext", ct + b"\0"),
            ("wrapped by the other of RFC 3394 and RFC 5649", "ModifiedCiphertext", agreed(other, key, msg)[0]),
        ]
        for comment, flag, changed in cases:
            must_refuse(unwrapped(unwrap, key, changed), comment)
            file.add(group, f"32 bytes: {comment}", [flag], "invalid", msg=b"", ct=changed)
    file.write()


def write_hkdf():
    file = File("hkdf-sha256-rfc5869", "hkdf-sha256", "RFC 5869, appendix A", FACTS, [])
    for comment, ikm, salt, info, okm in standards_keys.RFC_5869:
        if file.agreed("hkdf_sha256", ikm, salt, info, len(okm)) != okm:
            raise SystemExit(f"{comment} is not what the implementations answer")
        file.add({}, comment, [], ikm=ikm, salt=salt, info=info, size=len(okm), okm=okm)
    file.write()


def write():
    write_standard("aes-kw", "RFC 3394", standards_keys.RFC_3394)
    write_standard("aes-kwp", "RFC 5649", standards_keys.RFC_5649)
    write_lengths("aes-kw", range(16, 137, 8))
    write_lengths("aes-kwp", (*range(1, 42), 63, 64, 65, 128, 255, 256, 257))
    write_hkdf()
