"""Writes vectors/data/*-wycheproof.json from a checkout of github.com/C2SP/wycheproof.

    python3 convert_wycheproof.py --wycheproof DIR --commit ID

DIR is the checkout and ID its commit, for the headers. Each valid value is compared with what all of implementations.py
answer; one difference ends the run.
"""

import argparse
import pathlib

import wycheproof_jwe
import wycheproof_keys
import wycheproof_rsa
from aead import opened
from messages import must_refuse
from wycheproof import INVALID, Source, add, agree, octets

def xts(source, bits):
    algorithm = f"aes-{bits}-xts"
    file = source.file(algorithm, ["A tweak of less than 16 bytes is the source's iv with zeros appended."])
    for _, test in source.tests:
        key, iv, msg, ct = octets(test, ("key", "iv", "msg", "ct"))
        if len(key) == 48:
            file.leave_out("XTS-AES-192, which no engine offers")
        elif len(key) != bits // 4:
            file.leave_out("of the other key size, in a file of its own")
        elif key[: len(key) // 2] == key[len(key) // 2 :]:
            file.leave_out("the key's halves are equal, which NIST IG C.I forbids and engines refuse")
        else:
            tweak = iv.ljust(16, b"\0")
            agree(file.agreed("xts", key, tweak, msg), ct, algorithm, test)
            sizes = {"keySize": bits * 2, "tweakSize": 128}
            add(file, sizes, test, ("key", "tweak", "msg", "ct"), (key, tweak, msg, ct))
    file.write()


def aead(source, algorithm, operation, key_bytes):
    file = source.file(algorithm, [INVALID + " OpenSSL refuses each too."])
    for _, test in source.tests:
        key, iv, aad, msg, ct, tag = octets(test, ("key", "iv", "aad", "msg", "ct", "tag"))
        if len(key) != key_bytes:
            file.leave_out("of another key size")
        elif len(iv) != 12:
            file.leave_out("the nonce has not 96 bits")
        else:
            if test["result"] == "valid":
                agree(file.agreed(operation, key, iv, aad, msg), ct + tag, algorithm, test)
            else:
                must_refuse(opened(operation, key, iv, aad, ct, tag), f"{algorithm}, tcId {test['tcId']}")
                msg = b""
            sizes = {"keySize": key_bytes * 8, "ivSize": 96, "tagSize": 128}
            add(file, sizes, test, ("key", "iv", "aad", "msg", "ct", "tag"), (key, iv, aad, msg, ct, tag))
    file.write()


def hmac(source):
    file = source.file("hmac-sha256", [])
    for group, test in source.tests:
        key, msg, tag = octets(test, ("key", "msg", "tag"))
        if group["tagSize"] != 256:
            file.leave_out("the code is truncated to 128 bits")
        elif test["result"] != "valid":
            file.leave_out("a modified code: engines compute codes and compare none")
        else:
            agree(file.agreed("hmac_sha256", key, msg), tag, "hmac-sha256", test)
            add(file, {"keySize": len(key) * 8, "tagSize": 256}, test, ("key", "msg", "tag"), (key, msg, tag))
    file.write()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wycheproof", type=pathlib.Path, required=True, help="the checkout")
    parser.add_argument("--commit", required=True, help="its commit")
    arguments = parser.parse_args()

    def source(pattern):
        return Source(arguments.wycheproof, arguments.commit, pattern)

    for bits in (128, 256):
        xts(source("aes_xts"), bits)
        aead(source("aes_gcm"), f"aes-{bits}-gcm", "gcm", bits // 8)
    aead(source("chacha20_poly1305"), "chacha20-poly1305", "chacha20_poly1305", 32)
    hmac(source("hmac_sha256"))
    wycheproof_keys.write(source)
    wycheproof_rsa.write(source)
    wycheproof_jwe.write(source)


if __name__ == "__main__":
    main()
