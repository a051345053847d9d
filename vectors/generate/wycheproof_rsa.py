"""Wycheproof's RSA-OAEP."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_private_key

from implementations import OpenSsl
from messages import must_refuse
from wycheproof import INVALID, add, agree, octets

HASHES = {
    "SHA-1": hashes.SHA1,
    "SHA-224": hashes.SHA224,
    "SHA-256": hashes.SHA256,
    "SHA-384": hashes.SHA384,
    "SHA-512": hashes.SHA512,
}
MISC = "rsa_oaep_misc"
COMPARED = " OpenSSL gave each valid value and refused each invalid message when the file was written."


def _left_out(group, test):
    """Why a test is not taken, or None."""
    pair, bits = (group["sha"], group["mgfSha"]), group["keySize"]
    if not set(pair) <= set(HASHES):
        return "a truncated form of SHA-512"
    if test["result"] == "acceptable":
        return "acceptable: a ciphertext that is a small integer may be refused"
    if bits in (1024, 1536):
        return "1024 or 1536 bits, which libraries may refuse as too small"
    if bits == 4096 or group["file"] == MISC and bits in (3072, 8192):
        return "the same pairs of hashes are here with 2048 bits, to keep the file small"
    return None


def _decrypted(key, scheme, ct):
    try:
        return key.decrypt(ct, scheme)
    except ValueError:
        return None


def write(source):
    source = source("rsa_oaep_*")
    file = source.file("rsa-oaep", [INVALID], COMPARED)
    file.answered_by([OpenSsl.name])
    for group, test in source.tests:
        reason = _left_out(group, test)
        if reason:
            file.leave_out(reason)
            continue
        msg, ct, label = octets(test, ("msg", "ct", "label"))
        key = bytes.fromhex(group["privateKeyPkcs8"])
        scheme = padding.OAEP(padding.MGF1(HASHES[group["mgfSha"]]()), HASHES[group["sha"]](), label)
        answer = _decrypted(load_der_private_key(key, None), scheme, ct)
        if test["result"] == "valid":
            agree(answer, msg, "rsa-oaep", test)
        else:
            must_refuse(answer, f"{group['file']}, tcId {test['tcId']}")
            msg = b""
        shared = {"key": key, "hash": group["sha"], "mgfHash": group["mgfSha"]}
        add(file, shared, test, ("label", "ct", "msg"), (label, ct, msg), f"{group['file']}, ")
    file.write()
