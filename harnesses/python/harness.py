#!/usr/bin/env python3
"""The harness of pyca/cryptography: reads requests on standard input, a line each, and answers them."""

import json
import sys

import cryptography
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.backends.openssl import backend

import criu
import dm_crypt
import jwe
import keys
import ocicrypt
import primitives
from operation import Unsupported

PROTOCOL = 1
ALGORITHMS = {}
for module in (primitives, keys, jwe, dm_crypt, criu, ocicrypt):
    ALGORITHMS.update(module.ALGORITHMS)


def hello(request):
    if request.get("protocol") != PROTOCOL:
        return {"error": f"this harness speaks protocol {PROTOCOL}"}
    return {
        "protocol": PROTOCOL,
        "name": "python",
        "library": "pyca/cryptography",
        "version": f"{cryptography.__version__} ({backend.openssl_version_text()})",
        "implements": list(ALGORITHMS),
    }


def answer(request):
    if request.get("operation") == "hello":
        return hello(request)
    try:
        operation = ALGORITHMS.get(request.get("algorithm"), {}).get(request.get("operation"))
        if operation is None:
            raise Unsupported("no such algorithm or operation")
        return operation.answer(request)
    except (Unsupported, UnsupportedAlgorithm) as reason:
        return {"unsupported": str(reason)}
    except Exception as reason:  # Whatever the library raises over a value, its refusal is the answer.
        return {"error": f"{type(reason).__name__}: {reason}"}


for line in sys.stdin.buffer:
    request = json.loads(line)
    print(json.dumps({"id": request["id"], **answer(request)}), flush=True)
