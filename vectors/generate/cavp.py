"""A reader for the files of NIST's CAVP, which the PyPI package `cryptography_vectors` has."""

import importlib.util
import pathlib
import re

PACKAGE = "cryptography_vectors"

# The messages of SHA256ShortMsg.rsp that stand in sha-256.json, around the ends of the hash's block.
CHOSEN_SHA256_BITS = (0, 8, 248, 256, 432, 440, 448, 496, 504, 512)


def package():
    """The folder of the installed package."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None:
        raise SystemExit(f"the PyPI package {PACKAGE} is not installed")
    return pathlib.Path(found.origin).parent


def cases(path):
    """The paragraphs of a CAVP file: what stands in brackets above, and the names with their values."""
    bracketed = {}
    for paragraph in path.read_text().split("\n\n"):
        case = {}
        for line in paragraph.splitlines():
            line = line.strip()
            if match := re.fullmatch(r"\[(\w+)(?:\s*=\s*(\w+))?\]", line):
                bracketed[match[1]] = match[2]
                if match[2] is None:
                    bracketed["direction"] = match[1]
            elif line and not line.startswith("#"):
                name, _, value = line.partition("=")
                case[name.strip()] = value.strip()
        if len(case) > 1:
            yield dict(bracketed), case


def octets(case, names):
    return {name: bytes.fromhex(case[name]) for name in names if name in case}
