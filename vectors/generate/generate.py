"""Writes the vectors of vectors/data that are generated or printed by standards.

    python3 generate.py

The PyPI package `cryptography_vectors` must be installed, for the values of RFC 4231, SP 800-38A and FIPS 180. The
generated cases follow from model.SEED alone; each is written only if all implementations in implementations.py give the
same answer. The cases of a standard must give that answer too, so that a slip in copying cannot pass.
"""

import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import criu
import dm_crypt
import keys
import ocicrypt
import standards
from aead import opened
from cavp import package
from messages import REPEATED, flipped, must_refuse, repeated
from model import DATA, FACTS, GENERATED, OWN_LICENCE, PUBLIC_DOMAIN, File, Stream, stealing


IEEE_COPY = "testvals/xts.1 of github.com/BrianGladman/modes, commit 16b9647b542ece7e5120f9acbcca851dec6b8199"
IEEE_COMPARED = {
    128: "key, tweak, plaintext and the whole ciphertext of all thirteen vectors are equal.",
    256: "key, tweak, plaintext and the whole ciphertext of all five vectors are equal, but for bytes 128 to 159 of"
    " vector 12's ciphertext, a line that the copy lacks; the implementations alone vouch for those.",
}


def xts_standard(bits):
    """IEEE 1619's own vectors."""
    file = File(
        f"aes-{bits}-xts-ieee1619",
        f"aes-{bits}-xts",
        "IEEE Std 1619-2007, annex B",
        FACTS,
        [
            "Vector 1 is left out: its two key halves are equal, which NIST IG C.I forbids.",
            "Ciphertexts are computed: each is what all implementations under agreedBy answer.",
            f"Compared with a public copy of the standard's vectors, {IEEE_COPY}: {IEEE_COMPARED[bits]}",
            "Each time this file is written, the first bytes of each ciphertext (16 to 32, of the stolen ones all) are"
            " compared with those in vectors/generate/standards.py.",
            "The printed standard itself was not at hand.",
        ],
    )
    group = {"keySize": bits * 2, "tweakSize": 128}
    chain, chain_number = b"", 0
    for vector in standards.IEEE_1619[bits]:
        tweak = bytes.fromhex(vector.number_octets.ljust(32, "0"))
        msg = vector.message
        if msg is None:
            number = int.from_bytes(tweak, "little")
            for between in range(chain_number + 1, number):
                chain = file.agreed("xts", vector.key, between.to_bytes(16, "little"), chain)
            msg, chain_number = chain, number
        ct = file.agreed("xts", vector.key, tweak, msg)
        if not ct.startswith(vector.ciphertext_begins):
            raise SystemExit(f"IEEE 1619 vector {vector.number} is not what the standard prints")
        chain = ct
        flags = stealing(msg)
        file.add(group, f"vector {vector.number}", flags, key=vector.key, tweak=tweak, msg=msg, ct=ct)
    file.write()


def xts_generated(bits):
    """Every length of stealing, the lengths where wide code paths end, and whole sectors in sequence."""
    file = File(f"aes-{bits}-xts-units", f"aes-{bits}-xts", GENERATED, OWN_LICENCE, [
        "Public XTS vectors stop at 512 bytes and have no run of sectors; these have both.",
    ])
    stream = Stream(f"xts-{bits}")
    group = {"keySize": bits * 2, "tweakSize": 128}

    def add(comment, flags, key, tweak, msg):
        ct = file.agreed("xts", key, tweak, msg)
        file.add(group, comment, flags, key=key, tweak=tweak, msg=msg, ct=ct)

    key = stream.take(bits // 4)
    # One to eight blocks and their remainders, then the ends of loops of 8, 16 and 32 blocks.
    lengths = list(range(16, 34))
    lengths += [n * 16 + rest for n in range(3, 9) for rest in (0, 15)]
    lengths += [n * 16 + rest for n in (12, 16, 33) for rest in (0, 7)]
    if bits == 256:
        lengths += [n * 16 + rest for n in (9, 11, 14, 15, 17, 24, 31) for rest in (0, 7)]
    for length in sorted(set(lengths)):
        tweak, msg = stream.take(16), stream.take(length)
        add(f"a unit of {length} bytes", stealing(msg), key, tweak, msg)

    key = stream.take(bits // 4)
    for length, count, first in (
        (32, 7, 0x0000_0000_FFFF_FFFD),
        (512, 3, 0xFFFF_FFFF_FFFF_FFFE),
        (520, 2, 0x0000_0001_0000_0000),
        (4096, 2 if bits == 256 else 0, 0xFFFF_FFFF_FFFF_FFFF),
    ):
        for number in range(first, first + count):
            flags = ["ConsecutiveUnits"]
            if length % 16:
                flags.append("CiphertextStealing")
            if number >= 0xFFFF_FFFF_FFFF_FFFF:
                flags.append("TweakCarry")
            tweak = number.to_bytes(16, "little")
            add(f"unit {number:#x} of {length} bytes", flags, key, tweak, stream.take(length))
    file.write()


def xts_lengths(bits):
    """Every length of 1 to 33 blocks, with and without stealing."""
    file = File(f"aes-{bits}-xts-lengths", f"aes-{bits}-xts", GENERATED, OWN_LICENCE, [
        "Every length from 16 to 543 bytes: each number of blocks that a loop may end with, with every tail.",
        REPEATED,
    ])
    stream = Stream(f"xts-lengths-{bits}")
    key = stream.take(bits // 4)
    for length in range(16, 544):
        tweak, (msg, values) = stream.take(16), repeated(stream, length)
        ct = file.agreed("xts", key, tweak, msg)
        file.add({"keySize": bits * 2, "tweakSize": 128}, f"a unit of {length} bytes", stealing(msg),
                 key=key, tweak=tweak, **values, ct=ct)
    file.write()


def decrypted(key, block):
    """What encrypts to `block`. Only a way to choose a tweak: the implementations then agree on what it gives."""
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    return decryptor.update(block) + decryptor.finalize()


# The encrypted tweak as a number whose doublings carry at the places that matter.
ENCRYPTED_TWEAKS = {
    "1": 1,
    "2^127": 1 << 127,
    "2^63": 1 << 63,
    "2^64 - 1": (1 << 64) - 1,
    "2^128 - 2^64": (1 << 128) - (1 << 64),
    "2^127 + 2^63": (1 << 127) + (1 << 63),
    "2^31 + 2^63 + 2^95 + 2^127": sum(1 << bit for bit in (31, 63, 95, 127)),
    "2^128 - 1": (1 << 128) - 1,
}


def xts_sectors(bits):
    """Whole sectors as volumes have them, and tweaks that carry."""
    file = File(f"aes-{bits}-xts-sectors", f"aes-{bits}-xts", GENERATED, OWN_LICENCE, [
        REPEATED + " Of units of 65536 bytes and more the ciphertext's SHA-256 is kept (ctSha256).",
    ])
    stream, group = Stream(f"xts-sectors-{bits}"), {"keySize": bits * 2, "tweakSize": 128}

    def add(comment, flags, key, tweak, length):
        msg, values = repeated(stream, length)
        ct = file.agreed("xts", key, tweak, msg)
        values |= {"ct": ct} if length < 65536 else {"ctSha256": hashlib.sha256(ct).digest()}
        file.add(group, comment, [*flags, *stealing(msg)], key=key, tweak=tweak, **values)

    key = stream.take(bits // 4)
    for length, numbers, meaning in (
        (512, (0, 1, 2, 0xFFFF_FFFF, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1), "512-byte sector"),
        (4096, (8, 1 << 32), "4096-byte sector, counted in 512 bytes"),
        (4096, (1, 1 << 29), "4096-byte sector, counted in sectors"),
    ):
        for number in numbers:
            flags = ["Plain64"]
            add(f"plain64 {number:#x}: {meaning}", flags, key, number.to_bytes(16, "little"), length)

    key = stream.take(bits // 4)
    for length, first, count in ((520, 7, 3), (4104, 0xFFFF_FFFF, 2), (528, (1 << 64) - 2, 4)):
        for number in range(first, first + count):
            flags = ["ConsecutiveUnits"] + (["TweakCarry"] if number >= (1 << 64) - 1 else [])
            add(f"unit {number:#x} of {length} bytes", flags, key, number.to_bytes(16, "little"), length)
    for number in ((1 << 127) - 1, 1 << 127, (1 << 128) - 1, ((1 << 64) - 1) << 64):
        add(f"unit {number:#x}", ["TweakCarry"], key, number.to_bytes(16, "little"), 48)

    key = stream.take(bits // 4)
    for name, number in ENCRYPTED_TWEAKS.items():
        tweak = decrypted(key[len(key) // 2 :], number.to_bytes(16, "little"))
        for length in (160, 167):
            add(f"the tweak encrypts to {name}, {length} bytes", ["EncryptedTweak"], key, tweak, length)

    for number in (3, (1 << 64) - 1):
        add(f"unit {number:#x} of 65536 bytes", ["LongMessage"], key, number.to_bytes(16, "little"), 65536)

    key = stream.take(bits // 4)
    for number in (0, 1 << 63, (1 << 64) - 8):
        comment = f"plain64 {number:#x}: 4096-byte sector, counted in 512 bytes"
        add(comment, ["Plain64"], key, number.to_bytes(16, "little"), 4096)
    for name in ("2^63", "2^64 - 1", "2^127 + 2^63", "2^128 - 1"):
        tweak = decrypted(key[len(key) // 2 :], ENCRYPTED_TWEAKS[name].to_bytes(16, "little"))
        for length in (512, 520):
            add(f"the tweak encrypts to {name}, {length} bytes", ["EncryptedTweak"], key, tweak, length)
    add("unit 0x5 of 65543 bytes", ["LongMessage"], key, (5).to_bytes(16, "little"), 65543)
    file.write()


def add_aead(file, group, operation, comment, flags, key, iv, aad, msg):
    """One valid case, computed and agreed."""
    sealed = file.agreed(operation, key, iv, aad, msg)
    ct, tag = sealed[:-16], sealed[-16:]
    file.add(group, comment, flags, key=key, iv=iv, aad=aad, msg=msg, ct=ct, tag=tag)
    return ct, tag


def aead_generated(name, algorithm, operation, key_bytes):
    """Lengths around every loop's end, and each way to break a message."""
    file = File(name, algorithm, GENERATED, OWN_LICENCE, [
        "Cases of one key and equal associated data are meant to be run as a batch too.",
    ])
    stream = Stream(algorithm)
    group = {"keySize": key_bytes * 8, "ivSize": 96, "tagSize": 128}
    key = stream.take(key_bytes)
    lengths = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 127, 128, 129, 191, 192, 255, 256, 257, 321, 511, 513]
    # AES-128 takes the same paths as AES-256; its file is kept small.
    if algorithm != "aes-128-gcm":
        lengths += [768, 1025]
    if algorithm == "aes-256-gcm":
        lengths += [4096]
    for length in lengths:
        flags = ["LongMessage"] if length >= 512 else []
        add_aead(file, group, operation, f"{length} bytes", flags, key, stream.take(12), stream.take(20),
                 stream.take(length))
    for length in (0, 1, 15, 16, 17, 64, 129, 300):
        add_aead(file, group, operation, f"{length} bytes of associated data", [], key, stream.take(12),
                 stream.take(length), stream.take(40))

    iv, aad, msg = stream.take(12), stream.take(20), stream.take(45)
    comment = "the message that the invalid ones were made from"
    ct, tag = add_aead(file, group, operation, comment, [], key, iv, aad, msg)

    def refuse(comment, flag, **changed):
        values = {"key": key, "iv": iv, "aad": aad, "ct": ct, "tag": tag} | changed
        must_refuse(opened(operation, **values), comment)
        order = ("key", "iv", "aad", "msg", "ct", "tag")
        values |= {"msg": b""}
        file.add(group, comment, [flag], "invalid", **{name: values[name] for name in order})

    for position in (0, 3, 4, 7, 8, 11, 12, 15):
        refuse(f"bit 0 of tag byte {position} changed", "ModifiedTag", tag=flipped(tag, position))
    refuse("every tag bit changed", "ModifiedTag", tag=bytes(b ^ 0xFF for b in tag))
    refuse("a tag of zeros", "ModifiedTag", tag=bytes(16))
    for position in (0, 31, 32, 44):
        refuse(f"bit 0 of ciphertext byte {position} changed", "ModifiedCiphertext", ct=flipped(ct, position))
    refuse("ciphertext cut by a byte", "ModifiedCiphertext", ct=ct[:-1])
    refuse("ciphertext longer by a zero", "ModifiedCiphertext", ct=ct + b"\0")
    for position in (0, 19):
        refuse(f"bit 0 of byte {position} of the associated data changed", "ModifiedAad", aad=flipped(aad, position))
    refuse("associated data left out", "ModifiedAad", aad=b"")
    refuse("associated data moved into the message", "ModifiedAad", aad=aad[:-1], ct=aad[-1:] + ct)
    for position in (0, 11):
        refuse(f"bit 0 of nonce byte {position} changed", "ModifiedNonce", iv=flipped(iv, position))
    file.write()


def chacha_rfc():
    """The example of RFC 8439."""
    file = File("chacha20-poly1305-rfc8439", "chacha20-poly1305", "RFC 8439, section 2.8.2 and appendix A.5", FACTS, [])
    group = {"keySize": 256, "ivSize": 96, "tagSize": 128}
    for case in standards.RFC_8439:
        if case.sealed != file.agreed("chacha20_poly1305", case.key, case.iv, case.aad, case.message):
            raise SystemExit(f"RFC 8439, {case.section} is not what the implementations answer")
        file.add(group, case.section, [], key=case.key, iv=case.iv, aad=case.aad, msg=case.message,
                 ct=case.sealed[:-16], tag=case.sealed[-16:])
    file.write()


def ctr():
    """SP 800-38A's example, RFC 3686's, and the counter's end."""
    group = {"keySize": 256, "ivSize": 128}
    file = File("aes-256-ctr-sp800-38a", "aes-256-ctr", "NIST SP 800-38A, F.5.5, and RFC 3686, section 6",
                PUBLIC_DOMAIN + "; " + FACTS, [])
    for comment, key, iv, msg, ct in standards.CTR:
        if file.agreed("ctr", key, iv, msg) != ct:
            raise SystemExit(f"{comment} is not what the implementations answer")
        file.add(group, comment, [], key=key, iv=iv, msg=msg, ct=ct)
    file.write()

    file = File("aes-256-ctr-streams", "aes-256-ctr", GENERATED, OWN_LICENCE, [])
    stream = Stream("ctr")
    key = stream.take(32)
    for length in (0, 1, 15, 16, 17, 64, 65, 127, 128, 129, 255, 256, 257, 519, 2049):
        flags = ["LongMessage"] if length >= 512 else []
        iv, msg = stream.take(16), stream.take(length)
        file.add(group, f"{length} bytes", flags, key=key, iv=iv, msg=msg, ct=file.agreed("ctr", key, iv, msg))
    for before, width in ((1, 32), (9, 64), (1, 128), (5, 128), (15, 128)):
        low = (1 << width) - before
        high = int.from_bytes(stream.take(16), "big") >> width << width if width < 128 else 0
        iv, msg = (high | low).to_bytes(16, "big"), stream.take(18 * 16 + 5)
        file.add(group, f"the counter's lower {width} bits wrap after {before} blocks", ["CounterWrap"], key=key, iv=iv,
                 msg=msg, ct=file.agreed("ctr", key, iv, msg))
    file.write()


LENGTHS_NOTE = "Every length over several blocks, so that each remainder meets each number of blocks before it."


def lengths():
    """Every short length, for what has no file of NIST's or Wycheproof's that does this."""
    file = File("aes-256-ctr-lengths", "aes-256-ctr", GENERATED, OWN_LICENCE, [LENGTHS_NOTE])
    stream = Stream("ctr-lengths")
    key = stream.take(32)
    for length in range(162):
        iv, msg = stream.take(16), stream.take(length)
        file.add({"keySize": 256, "ivSize": 128}, f"{length} bytes", [], key=key, iv=iv, msg=msg,
                 ct=file.agreed("ctr", key, iv, msg))
    file.write()

    file = File("hmac-sha256-lengths", "hmac-sha256", GENERATED, OWN_LICENCE, [LENGTHS_NOTE])
    stream = Stream("hmac-lengths")
    key = stream.take(32)
    for length in range(131):
        msg = stream.take(length)
        file.add({"keySize": 256, "tagSize": 256}, f"{length} bytes", [], key=key, msg=msg,
                 tag=file.agreed("hmac_sha256", key, msg))
    file.write()

    file = File("sha-256-lengths", "sha-256", GENERATED, OWN_LICENCE, [LENGTHS_NOTE])
    stream = Stream("sha-lengths")
    for length in range(131):
        msg = stream.take(length)
        file.add({"digestSize": 256}, f"{length} bytes", [], msg=msg, digest=file.agreed("sha256", msg))
    file.write()


def block():
    """FIPS 197's example and NIST's multi-block messages."""
    file = File("aes-256-block", "aes-256-block",
                "FIPS 197, appendix C.3; NIST SP 800-38A, F.1.5; NIST CAVP, ECBMMT256.rsp, by way of the PyPI package"
                " cryptography_vectors", PUBLIC_DOMAIN, [])
    for comment, key, msg, ct in standards.blocks(package()):
        if b"".join(file.agreed("block", key, msg[at:at + 16]) for at in range(0, len(msg), 16)) != ct:
            raise SystemExit(f"{comment} is not what the implementations answer")
        file.add({"keySize": 256}, comment, [], key=key, msg=msg, ct=ct)
    file.write()


def hashes():
    """RFC 4231, FIPS 180's examples, and messages around the ends of the hash's block."""
    file = File("hmac-sha256", "hmac-sha256", f"RFC 4231, cases 1 to 4, 6 and 7; the rest {GENERATED}",
                FACTS + "; " + OWN_LICENCE, ["Case 5 of the RFC is left out: its code is truncated to 128 bits."])
    for number, case in zip((1, 2, 3, 4, 6, 7), standards.rfc_4231(package()), strict=True):
        if file.agreed("hmac_sha256", case["Key"], case["Msg"]) != case["MD"]:
            raise SystemExit("RFC 4231 is not what the implementations answer")
        flags = ["LongKey"] if len(case["Key"]) > 64 else []
        file.add({"tagSize": 256}, f"RFC 4231, case {number}", flags, key=case["Key"], msg=case["Msg"], tag=case["MD"])
    stream = Stream("hmac")
    for key_bytes, length in ((32, 0), (32, 55), (32, 56), (32, 64), (63, 65), (64, 119), (65, 120), (128, 1000)):
        key, msg = stream.take(key_bytes), stream.take(length)
        flags = ["LongKey"] if key_bytes > 64 else []
        tag = file.agreed("hmac_sha256", key, msg)
        file.add({"tagSize": 256}, f"a key of {key_bytes} bytes, {length} bytes", flags, key=key, msg=msg, tag=tag)
    file.write()

    file = File("sha-256", "sha-256",
                "NIST, examples of SHA-256 for FIPS 180-4; NIST CAVP, SHA256ShortMsg.rsp, by way of the PyPI package"
                f" cryptography_vectors; the rest {GENERATED}", PUBLIC_DOMAIN + "; " + OWN_LICENCE, [])
    group = {"digestSize": 256}
    for comment, msg, digest in standards.sha256(package()):
        if file.agreed("sha256", msg) != digest:
            raise SystemExit(f"{comment} is not what the implementations answer")
        file.add(group, comment, [], msg=msg, digest=digest)
    stream = Stream("sha")
    for length in (119, 120, 127, 128, 129, 1000):
        msg = stream.take(length)
        flags = ["LongMessage"] if length >= 512 else []
        file.add(group, f"{length} bytes", flags, msg=msg, digest=file.agreed("sha256", msg))
    file.write()


def main():
    DATA.mkdir(exist_ok=True)
    for bits in (128, 256):
        xts_standard(bits)
        xts_generated(bits)
        xts_lengths(bits)
        xts_sectors(bits)
        aead_generated(f"aes-{bits}-gcm-messages", f"aes-{bits}-gcm", "gcm", bits // 8)
    chacha_rfc()
    aead_generated("chacha20-poly1305-messages", "chacha20-poly1305", "chacha20_poly1305", 32)
    ctr()
    lengths()
    block()
    hashes()
    keys.write()
    dm_crypt.write()
    criu.write()
    ocicrypt.write()


if __name__ == "__main__":
    main()
