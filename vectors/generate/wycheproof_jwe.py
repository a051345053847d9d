"""Wycheproof's JWE: decryption with the recipient's private key."""

import json

import jwe
from implementations import OpenSsl
from messages import must_refuse
from wycheproof import INVALID, add, agree

COMPARED = (
    " The decryption of JWE in vectors/generate/jwe.py, which is composed over the implementation under agreedBy, gave"
    " each valid value and refused each invalid token when the file was written."
)


def _decrypted(jwk, token):
    try:
        return jwe.decrypted(jwk, token)
    except Exception:  # Whatever fails on the way is a refusal.
        return None


def write(source):
    source = source("json_web_encryption")
    file = source.file("jwe", [INVALID], COMPARED)
    file.answered_by([OpenSsl.name])
    for group, test in source.tests:
        if test["result"] == "acceptable":
            file.leave_out("acceptable")
            continue
        if "JsonSerialization" in test["flags"]:
            file.leave_out("a token that holds, in the JSON serialization: invalid only where the compact one is due")
            continue
        jwk, token = json.dumps(group["private"], separators=(",", ":")), test["jwe"]
        answer, msg = _decrypted(jwk, token), bytes.fromhex(test.get("pt", ""))
        if test["result"] == "valid":
            agree(answer, msg, "jwe", test)
        else:
            must_refuse(answer, f"jwe, tcId {test['tcId']}: {test['comment']}")
            msg = b""
        add(file, {"jwk": jwk}, test, ("jwe", "msg"), (token, msg))
    file.write()
