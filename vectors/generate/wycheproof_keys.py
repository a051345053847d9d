"""Wycheproof's families for keys: key wrapping and HKDF."""

from keys import WRAPS, unwrapped
from messages import must_refuse
from wycheproof import INVALID, add, agree, octets


def key_wrap(source, algorithm, operation, unwrap):
    file = source.file(algorithm, [INVALID + " OpenSSL refuses each too."])
    for _, test in source.tests:
        key, msg, ct = octets(test, ("key", "msg", "ct"))
        if test["result"] == "acceptable":
            file.leave_out("acceptable: a wrapped key of 8 bytes, which RFC 3394 does not allow and some take")
            continue
        if test["result"] == "invalid" and not ct:
            file.leave_out("a key whose wrapping must be refused; invalid cases here are unwrapped")
            continue
        if test["result"] == "valid":
            agree(file.agreed(operation, key, msg), ct, algorithm, test)
        else:
            must_refuse(unwrapped(unwrap, key, ct), f"{algorithm}, tcId {test['tcId']}")
            msg = b""
        add(file, {"keySize": len(key) * 8}, test, ("key", "msg", "ct"), (key, msg, ct))
    file.write()


def hkdf(source):
    note = "size is how many bytes are derived; invalid is a size of more than 255 times 32 bytes, and has no okm."
    file = source.file("hkdf-sha256", [note])
    for _, test in source.tests:
        ikm, salt, info, okm, size = *octets(test, ("ikm", "salt", "info", "okm")), test["size"]
        if test["result"] == "valid":
            agree(file.agreed("hkdf_sha256", ikm, salt, info, size), okm, "hkdf-sha256", test)
        elif size <= 255 * 32 or okm:
            raise SystemExit(f"hkdf-sha256, tcId {test['tcId']}: invalid for another reason than its size")
        add(file, {}, test, ("ikm", "salt", "info", "size", "okm"), (ikm, salt, info, size, okm))
    file.write()


def write(source):
    key_wrap(source("aes_wrap"), "aes-kw", *WRAPS["aes-kw"])
    key_wrap(source("aes_kwp"), "aes-kwp", *WRAPS["aes-kwp"])
    hkdf(source("hkdf_sha256"))
