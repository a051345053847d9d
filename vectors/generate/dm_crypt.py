"""Sectors as dm-crypt writes them: ESSIV, and the two authenticated forms that LUKS2 has."""

import hmac

from aead import opened
from messages import REPEATED, flipped, must_refuse, repeated
from model import GENERATED, OWN_LICENCE, File, Stream

SECTOR_NOTE = "sector is the sector's number in units of 512 bytes, of larger sectors too: 8 bytes, little-endian."
SECTORS = (0, 1, 8, 0xFFFF_FFFF, 1 << 32, (1 << 32) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
# Every number is taken at 512 bytes; sectors of 4096 bytes begin at multiples of 8.
LARGE_SECTORS = (0, 8, 16, 0xFFFF_FFF8, 1 << 32, 1 << 63, (1 << 64) - 8)
# Messages around the ends of code paths; all are whole blocks, and LUKS2 has 512, 1024, 2048 and 4096.
OTHER_LENGTHS = (16, 32, 48, 128, 144, 1024, 2048)


def essiv(library, key, sector, msg):
    """aes-cbc-essiv:sha256: the IV is the sector's number under the key's hash, so always AES-256."""
    iv = library.block(library.sha256(key), sector + bytes(8))
    return library.cbc(key, iv, msg)


def gcm_random(library, key, sector, iv, msg):
    """aes-gcm-random with --integrity aead: ciphertext, then tag."""
    return library.gcm(key, iv, sector + iv, msg)


def xts_hmac(library, key, sector, msg):
    """aes-xts-plain64 with --integrity hmac-sha256: ciphertext, then tag.

    The volume key is XTS's 64 bytes and then the MAC's 32. The code covers sector, IV and ciphertext.
    """
    iv = sector + bytes(8)
    ct = library.xts(key[:64], iv, msg)
    return ct + library.hmac_sha256(key[64:], sector + iv + ct)


def _sector(number):
    return number.to_bytes(8, "little")


def _places():
    """Pairs of a length and a sector's number."""
    yield from ((512, number) for number in SECTORS)
    yield from ((4096, number) for number in LARGE_SECTORS)
    yield from ((length, 8 * at + 3) for at, length in enumerate(OTHER_LENGTHS))


def write_essiv(bits):
    name = f"aes-{bits}-cbc-essiv-sha256"
    file = File(f"{name}-sectors", name, GENERATED, OWN_LICENCE, [
        "dm-crypt's aes-cbc-essiv:sha256: the IV is the sector's number, padded with zeros, encrypted with AES-256"
        " under the key's SHA-256.",
        SECTOR_NOTE, REPEATED,
    ])
    stream = Stream(name)
    key, other = stream.take(bits // 8), stream.take(bits // 8)
    places = [(key, *place) for place in _places()] + [(other, 512, number) for number in SECTORS]
    for key, length, number in places:
        msg, values = repeated(stream, length)
        ct = file.agreed(essiv, key, _sector(number), msg)
        file.add({"keySize": bits, "key": key}, f"sector {number:#x}, {length} bytes", [], sector=_sector(number),
                 **values, ct=ct)
    file.write()


def write_gcm_random():
    name = "dm-crypt-aes-256-gcm-random"
    file = File(f"{name}-sectors", name, GENERATED, OWN_LICENCE, [
        "dm-crypt's aes-gcm-random with --integrity aead; the associated data are sector and then iv.",
        SECTOR_NOTE, REPEATED,
    ])
    stream = Stream(name)
    key = stream.take(32)
    group = {"keySize": 256, "ivSize": 96, "tagSize": 128, "key": key}
    for length, number in _places():
        iv, (msg, values) = stream.take(12), repeated(stream, length)
        sealed = file.agreed(gcm_random, key, _sector(number), iv, msg)
        file.add(group, f"sector {number:#x}, {length} bytes", [], sector=_sector(number), iv=iv, **values,
                 ct=sealed[:-16], tag=sealed[-16:])

    for length, number in ((512, 7), (4096, 8)):
        sector, iv, (msg, values) = _sector(number), stream.take(12), repeated(stream, length)
        sealed = file.agreed(gcm_random, key, sector, iv, msg)
        ct, tag = sealed[:-16], sealed[-16:]
        file.add(group, f"the sector of {length} bytes that the invalid ones were made from", [], sector=sector, iv=iv,
                 **values, ct=ct, tag=tag)
        cases = [
            *_modified("ct", "ModifiedCiphertext", ct, (0, 15, length // 2, length - 1)),
            *_modified("tag", "ModifiedTag", tag, (0, 7, 15)),
            *_modified("sector", "ModifiedSector", sector, (0, 1, 4, 7)),
            *_modified("iv", "ModifiedNonce", iv, (0, 11)),
            ("a tag of zeros", "ModifiedTag", {"tag": bytes(16)}),
            ("the sector's number with its bytes reversed", "ModifiedSector", {"sector": sector[::-1]}),
            ("the last block is missing", "Truncated", {"ct": ct[:-16]}),
        ]
        for comment, flag, changed in _fewer(cases, length):
            values = {"sector": sector, "iv": iv, "ct": ct, "tag": tag} | changed
            aad = values["sector"] + values["iv"]
            must_refuse(opened("gcm", key, values["iv"], aad, values["ct"], values["tag"]), comment)
            file.add(group, f"{length} bytes: {comment}", [flag], "invalid", msg=b"", **values)
    file.write()


def _holds_hmac(key, sector, ct, tag):
    iv = sector + bytes(8)
    return ct if hmac.compare_digest(hmac.digest(key[64:], sector + iv + ct, "sha256"), tag) else None


def write_xts_hmac():
    name = "dm-crypt-aes-256-xts-hmac-sha256"
    file = File(f"{name}-sectors", name, GENERATED, OWN_LICENCE, [
        "dm-crypt's aes-xts-plain64 with --integrity hmac-sha256: the key is XTS's data key and tweak key and then the"
        " MAC's; the code is over sector, IV (plain64) and ciphertext.",
        SECTOR_NOTE, REPEATED,
    ])
    stream = Stream(name)
    key = stream.take(96)
    group = {"keySize": 768, "tagSize": 256, "key": key}
    for length, number in _places():
        msg, values = repeated(stream, length)
        sealed = file.agreed(xts_hmac, key, _sector(number), msg)
        file.add(group, f"sector {number:#x}, {length} bytes", [], sector=_sector(number), **values,
                 ct=sealed[:-32], tag=sealed[-32:])

    for length, number in ((512, 7), (4096, 8)):
        sector, (msg, values) = _sector(number), repeated(stream, length)
        sealed = file.agreed(xts_hmac, key, sector, msg)
        ct, tag = sealed[:-32], sealed[-32:]
        file.add(group, f"the sector of {length} bytes that the invalid ones were made from", [], sector=sector,
                 **values, ct=ct, tag=tag)
        cases = [
            *_modified("ct", "ModifiedCiphertext", ct, (0, 15, length // 2, length - 1)),
            *_modified("tag", "ModifiedTag", tag, (0, 15, 16, 31)),
            *_modified("sector", "ModifiedSector", sector, (0, 1, 4, 7)),
            ("a tag of zeros", "ModifiedTag", {"tag": bytes(32)}),
            ("the sector's number with its bytes reversed", "ModifiedSector", {"sector": sector[::-1]}),
            ("the last block is missing", "Truncated", {"ct": ct[:-16]}),
            ("the code leaves out the IV", "ModifiedTag", {"tag": hmac.digest(key[64:], sector + ct, "sha256")}),
            ("the code leaves out sector and IV", "ModifiedTag", {"tag": hmac.digest(key[64:], ct, "sha256")}),
            ("the code is the plaintext's", "ModifiedTag",
             {"tag": hmac.digest(key[64:], sector + sector + bytes(8) + msg, "sha256")}),
            ("the MAC's key is taken from the key's beginning", "ModifiedTag",
             {"tag": hmac.digest(key[:32], sector + sector + bytes(8) + ct, "sha256")}),
        ]
        for comment, flag, changed in _fewer(cases, length):
            values = {"sector": sector, "ct": ct, "tag": tag} | changed
            must_refuse(_holds_hmac(key, **values), comment)
            file.add(group, f"{length} bytes: {comment}", [flag], "invalid", msg=b"", **values)
    file.write()


def _modified(name, flag, octets, positions):
    """One invalid case for each position."""
    return [(f"bit 0 of byte {at} of {name} changed", flag, {name: flipped(octets, at)}) for at in positions]


def _fewer(cases, length):
    """All cases of a small sector, one of each flag of a large one."""
    return cases if length == 512 else {flag: (comment, flag, changed) for comment, flag, changed in cases}.values()


def write():
    for bits in (128, 256):
        write_essiv(bits)
    write_gcm_random()
    write_xts_hmac()
