"""Writes vectors/data/*-nist*.json from the installed PyPI package `cryptography_vectors`.

    python3 convert_nist.py

Each value is compared with what all of implementations.py answer; one difference ends the run.
"""

import importlib.metadata

import cavp
from aead import opened
from cavp import PACKAGE, package
from keys import WRAPS, unwrapped
from messages import must_refuse
from model import PUBLIC_DOMAIN, File, stealing

LICENCE = PUBLIC_DOMAIN + f"; the package {PACKAGE} stands under Apache-2.0 OR BSD-3-Clause"
COMPARED = "Each value was compared with what the implementations under agreedBy answer when the file was written."


def origin(files):
    return f"NIST CAVP, {files}, by way of the PyPI package {PACKAGE} {importlib.metadata.version(PACKAGE)}"


def agree(answer, expected, file, case):
    if answer != expected:
        raise SystemExit(f"{file}, {case}: NIST's value is not what the implementations answer")


def xts(bits, name, folder, directions):
    """The cases of one file in `directions` whose data units are whole bytes."""
    path = package() / f"ciphers/AES/XTS/{folder}/XTSGenAES{bits}.rsp"
    cases = list(cavp.cases(path))
    file = File(
        f"aes-{bits}-xts-nist-{name}",
        f"aes-{bits}-xts",
        origin(f"XTSGenAES{bits}.rsp ({folder}, CAVS 11.0)"),
        LICENCE,
        [COMPARED],
        len(cases),
    )
    for heading, case in cases:
        length = int(case["DataUnitLen"])
        if length % 8:
            file.leave_out("the data unit is no whole number of bytes, which is all that engines take")
            continue
        if heading["direction"] not in directions:
            file.leave_out("a decryption: every case is run both ways, and the file of tweaks has its decryptions too")
            continue
        octets = cavp.octets(case, ("Key", "i", "PT", "CT"))
        tweak = octets.get("i") or int(case["DataUnitSeqNumber"]).to_bytes(16, "little")
        comment = f"{heading['direction'].lower()}, COUNT = {case['COUNT']}"
        if len(octets["PT"]) * 8 != length:
            raise SystemExit(f"{path.name}, {comment}: PT is not as long as DataUnitLen says")
        agree(file.agreed("xts", octets["Key"], tweak, octets["PT"]), octets["CT"], path.name, comment)
        file.add({"keySize": bits * 2, "tweakSize": 128}, comment, stealing(octets["PT"]),
                 key=octets["Key"], tweak=tweak, msg=octets["PT"], ct=octets["CT"])
    file.write()


# Of the fifteen cases that NIST has for each pair of lengths, these are taken.
GCM_COUNTS = (0, 5, 10)


def gcm(bits):
    """An even sample of what engines offer: 96-bit nonces and 128-bit tags."""
    names = (f"gcmEncryptExtIV{bits}", f"gcmDecrypt{bits}")
    cases = [(name, *case) for name in names for case in cavp.cases(package() / f"ciphers/AES/GCM/{name}.rsp")]
    file = File(
        f"aes-{bits}-gcm-nist",
        f"aes-{bits}-gcm",
        origin(f"{names[0]}.rsp and {names[1]}.rsp (CAVS 14.0)"),
        LICENCE,
        [
            "Of the 15 cases of each pair of lengths, every fifth one is taken: Count 0, 5 and 10.",
            COMPARED + " That a message must be refused is NIST's word; OpenSSL refuses each too.",
        ],
        len(cases),
    )
    for name, heading, case in cases:
        if heading["IVlen"] != "96":
            file.leave_out("the nonce has not 96 bits")
        elif heading["Taglen"] != "128":
            file.leave_out("the tag has not 128 bits")
        elif int(case["Count"]) not in GCM_COUNTS:
            file.leave_out("not in the sample")
        else:
            comment = f"{name}, {heading['PTlen']} and {heading['AADlen']} bits, Count = {case['Count']}"
            octets = {"PT": b""} | cavp.octets(case, ("Key", "IV", "AAD", "PT", "CT", "Tag"))
            values = {"key": octets["Key"], "iv": octets["IV"], "aad": octets["AAD"], "msg": octets["PT"]}
            flags, result = (["NistFailure"], "invalid") if "FAIL" in case else ([], "valid")
            if result == "valid":
                sealed = file.agreed("gcm", *values.values())
                agree(sealed, octets["CT"] + octets["Tag"], f"{name}.rsp", comment)
            else:
                given = (octets[name] for name in ("Key", "IV", "AAD", "CT", "Tag"))
                must_refuse(opened("gcm", *given), comment)
            file.add({"keySize": bits, "ivSize": 96, "tagSize": 128}, comment, flags, result,
                     **values, ct=octets["CT"], tag=octets["Tag"])
    file.write()


def block():
    """The known-answer tests of AES-256; ECBMMT256 stands in aes-256-block.json."""
    names = ("ECBGFSbox256", "ECBKeySbox256", "ECBVarKey256", "ECBVarTxt256")
    cases = [(name, *case) for name in names for case in cavp.cases(package() / f"ciphers/AES/ECB/{name}.rsp")]
    file = File("aes-256-block-nist", "aes-256-block", origin(", ".join(f"{name}.rsp" for name in names)), LICENCE,
                [COMPARED], len(cases))
    for name, heading, case in cases:
        if heading["direction"] == "DECRYPT":
            file.leave_out("the decryption of an encryption that is here; every case is run both ways")
            continue
        octets = cavp.octets(case, ("KEY", "PLAINTEXT", "CIPHERTEXT"))
        comment = f"{name}, COUNT = {case['COUNT']}"
        agree(file.agreed("block", octets["KEY"], octets["PLAINTEXT"]), octets["CIPHERTEXT"], name, comment)
        file.add({"keySize": 256}, comment, [], key=octets["KEY"], msg=octets["PLAINTEXT"], ct=octets["CIPHERTEXT"])
    file.write()


def sha256():
    """The short messages that sha-256.json has not."""
    cases = list(cavp.cases(package() / "hashes/SHA2/SHA256ShortMsg.rsp"))
    file = File("sha-256-nist", "sha-256", origin("SHA256ShortMsg.rsp"), LICENCE, [COMPARED], len(cases))
    for _, case in cases:
        bits, octets = int(case["Len"]), cavp.octets(case, ("Msg", "MD"))
        if bits in cavp.CHOSEN_SHA256_BITS:
            file.leave_out("in sha-256.json")
            continue
        agree(file.agreed("sha256", octets["Msg"]), octets["MD"], "SHA256ShortMsg.rsp", f"Len = {bits}")
        file.add({"digestSize": 256}, f"Len = {bits}", [], msg=octets["Msg"], digest=octets["MD"])
    file.write()


# Of the hundred cases that NIST has for each length, these are taken.
KEY_WRAP_COUNTS = (0, 25, 50, 75)


def key_wrap(algorithm, family, operation, unwrap):
    """A sample of each length, key size and direction."""
    names = [f"{family}_{way}_{bits}" for way in ("AE", "AD") for bits in (128, 192, 256)]
    folder = package() / "keywrap/kwtestvectors"
    cases = [(name, *case) for name in names for case in cavp.cases(folder / f"{name}.txt")]
    file = File(
        f"{algorithm}-nist",
        algorithm,
        origin(", ".join(f"{name}.txt" for name in names) + " (CAVS 17.4 and 21.4)"),
        LICENCE,
        [
            f"Of the 100 cases of each length these are taken: COUNT {', '.join(map(str, KEY_WRAP_COUNTS))}.",
            COMPARED + " That a message must be refused is NIST's word; OpenSSL refuses each too.",
        ],
        len(cases),
    )
    for name, _, case in cases:
        if int(case["COUNT"]) not in KEY_WRAP_COUNTS:
            file.leave_out("not in the sample")
            continue
        octets = {"P": b""} | cavp.octets(case, ("K", "P", "C"))
        key, msg, ct = octets["K"], octets["P"], octets["C"]
        comment = f"{name}, {len(ct) * 8} bits wrapped, COUNT = {case['COUNT']}"
        flags, result = (["NistFailure"], "invalid") if "FAIL" in case else ([], "valid")
        if result == "valid":
            agree(file.agreed(operation, key, msg), ct, name, comment)
        else:
            must_refuse(unwrapped(unwrap, key, ct), comment)
        file.add({"keySize": len(key) * 8}, comment, flags, result, key=key, msg=msg, ct=ct)
    file.write()


def main():
    for bits in (128, 256):
        xts(bits, "tweaks", "tweak-128hexstr", ("ENCRYPT", "DECRYPT"))
        xts(bits, "numbers", "tweak-dataunitseqno", ("ENCRYPT",))
        gcm(bits)
    block()
    sha256()
    for algorithm, family in (("aes-kw", "KW"), ("aes-kwp", "KWP")):
        key_wrap(algorithm, family, *WRAPS[algorithm])


if __name__ == "__main__":
    main()
