"""Writes vectors/data/*-wycheproof.json from a checkout of github.com/C2SP/wycheproof.

    python3 convert_wycheproof.py --wycheproof DIR --commit ID

DIR is the checkout and ID its commit, for the headers. Each valid value is compared with what all of implementations.py
answer; one difference ends the run.
"""

import argparse
import json
import pathlib

from model import File

LICENCE = "Apache-2.0, whose text is vectors/licenses/wycheproof.txt"


def explained(note):
    """Wycheproof's note of a flag as one text."""
    cited = (f"See {reference}." for name in ("cves", "links") for reference in note.get(name, ()))
    parts = [note.get("description", note["bugType"]), note.get("effect"), *cited]
    return " ".join(part for part in parts if part)


class Source:
    """One of Wycheproof's files."""

    def __init__(self, folder, commit, name):
        self._commit, self._name = commit, f"testvectors_v1/{name}_test.json"
        document = json.loads((folder / self._name).read_text())
        self._notes = {flag: explained(note) for flag, note in document["notes"].items()}
        self.tests = [(group, test) for group in document["testGroups"] for test in group["tests"]]
        if len(self.tests) != document["numberOfTests"]:
            raise SystemExit(f"{self._name}: numberOfTests is not the number of tests")

    def file(self, algorithm, notes):
        """An empty file for what is taken of this one."""
        compared = (
            "Comments, flags and their notes are the source's; tcId in a comment is the source's number. Each valid"
            " value was compared with what the implementations under agreedBy answer when the file was written."
        )
        source = f"C2SP/wycheproof, {self._name}, commit {self._commit}, converted by vectors/generate"
        return File(f"{algorithm}-wycheproof", algorithm, source, LICENCE, [compared, *notes], len(self.tests),
                    self._notes)


def add(file, group, test, names, values):
    comment = f"tcId {test['tcId']}" + (f": {test['comment']}" if test["comment"] else "")
    file.add(group, comment, test["flags"], test["result"], **dict(zip(names, values, strict=True)))


def octets(test, names):
    return [bytes.fromhex(test[name]) for name in names]


def agree(answer, expected, algorithm, test):
    if answer != expected:
        raise SystemExit(f"{algorithm}, tcId {test['tcId']}: the value is not what the implementations answer")


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
    note = "Of an invalid message no plaintext is kept; that it must be refused is the source's word."
    file = source.file(algorithm, [note])
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

    def source(name):
        return Source(arguments.wycheproof, arguments.commit, name)

    for bits in (128, 256):
        xts(source("aes_xts"), bits)
        aead(source("aes_gcm"), f"aes-{bits}-gcm", "gcm", bits // 8)
    aead(source("chacha20_poly1305"), "chacha20-poly1305", "chacha20_poly1305", 32)
    hmac(source("hmac_sha256"))


if __name__ == "__main__":
    main()
