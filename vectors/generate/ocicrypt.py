"""Image layers as ocicrypt encrypts them, and the options that go with them."""

import base64
import binascii
import hashlib
import hmac
import json

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from messages import REPEATED, flipped, must_refuse, repeated
from model import GENERATED, OWN_LICENCE, File, Stream

CIPHER = "AES_256_CTR_HMAC_SHA256"


def layer(library, key, iv, msg):
    """Ciphertext, then the code over it under the same key."""
    ct = library.ctr(key, iv, msg)
    return ct + library.hmac_sha256(key, ct)


def _open_layer(key, iv, ct, tag):
    if not hmac.compare_digest(hmac.digest(key, ct, "sha256"), tag):
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CTR(iv)).decryptor()
    return decryptor.update(ct) + decryptor.finalize()


def write_layer():
    name = "ocicrypt-layer"
    file = File(f"{name}-messages", name, GENERATED, OWN_LICENCE, [
        f"ocicrypt's {CIPHER}: iv is the first counter block and counts up as one 128-bit big-endian number; tag is"
        " HMAC-SHA-256 over ct under the same key.",
        REPEATED,
    ])
    stream = Stream(name)
    key = stream.take(32)
    group = {"keySize": 256, "ivSize": 128, "tagSize": 256, "key": key}

    def add(comment, flags, iv, length):
        msg, values = repeated(stream, length)
        sealed = file.agreed(layer, key, iv, msg)
        valid = {"iv": iv, "ct": sealed[:-32], "tag": sealed[-32:]}
        file.add(group, comment, flags, **values, **valid)
        return valid

    for length in (0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 4095,
                   4096, 4097, 10240, 65537):
        add(f"{length} bytes", ["LongMessage"] if length >= 512 else [], stream.take(16), length)
    for width in (32, 64, 128):
        for before in (1, 2, 8, 17):
            high = 0 if width == 128 else int.from_bytes(stream.take(16), "big") >> width << width
            iv = (high | (1 << width) - before).to_bytes(16, "big")
            add(f"the counter's lower {width} bits wrap after {before} blocks", ["CounterWrap"], iv, 20 * 16 + 5)

    for length in (0, 1, 45, 300):
        valid = add(f"the layer of {length} bytes that the invalid ones were made from", [], stream.take(16), length)
        ct, tag = valid["ct"], valid["tag"]
        cases = [(f"bit 0 of tag byte {at} changed", "ModifiedTag", {"tag": flipped(tag, at)})
                 for at in (0, 15, 16, 31)]
        cases += [
            ("a tag of zeros", "ModifiedTag", {"tag": bytes(32)}),
            ("every tag bit changed", "ModifiedTag", {"tag": bytes(b ^ 0xFF for b in tag)}),
            ("the tag's second half is missing", "ModifiedTag", {"tag": tag[:16]}),
            ("no tag", "ModifiedTag", {"tag": b""}),
            ("longer by a zero", "ModifiedCiphertext", {"ct": ct + b"\0"}),
        ]
        cases += [(f"bit 0 of ciphertext byte {at} changed", "ModifiedCiphertext", {"ct": flipped(ct, at)})
                  for at in sorted({0, length // 2, length - 1}) if 0 <= at < length]
        cases += [(f"cut to {left} bytes", "Truncated", {"ct": ct[:left]})
                  for left in sorted({0, length // 2, length - 1}) if 0 <= left < length]
        for comment, flag, changed in cases:
            must_refuse(_open_layer(key, **(valid | changed)), comment)
            file.add(group, f"{length} bytes: {comment}", [flag], "invalid", msg=b"", **(valid | changed))
    file.write()


def _encoded(octets):
    return base64.b64encode(octets).decode()


def _decoded(text):
    """Base64 with nothing else in it, or None."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return None


def _open_options(private, public, ct):
    """What a reader that keeps to the rules answers: the plaintext, or None."""
    try:
        private, public = json.loads(private), json.loads(public)
        sealed, unsealed = private["cipheroptions"] or {}, public.get("cipheroptions") or {}
        key, iv, tag = _decoded(private["symkey"]), _decoded(sealed["nonce"]), _decoded(public["hmac"])
        cipher = public["cipher"]
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    lengths = [octets is not None and len(octets) for octets in (key, iv, tag)]
    if cipher != CIPHER or lengths != [32, 16, 32] or _decoded(unsealed.get("nonce", sealed["nonce"])) != iv:
        return None
    return _open_layer(key, iv, ct, tag)


class _Layer:
    """A layer, and its options in the order of ocicrypt in Go."""

    def __init__(self, file, stream, length):
        # A key, nonce and code whose base64 has + and /, which base64url has not.
        while True:
            self.key, self.iv, self.msg = stream.take(32), stream.take(16), stream.take(length)
            sealed = file.agreed(layer, self.key, self.iv, self.msg)
            self.ct, self.tag = sealed[:-32], sealed[-32:]
            if all(set("+/") & set(_encoded(octets)) for octets in (self.key, self.iv, self.tag)):
                break
        digest = "sha256:" + hashlib.sha256(self.msg).hexdigest()
        self.private = {"symkey": _encoded(self.key), "digest": digest, "cipheroptions": {"nonce": _encoded(self.iv)}}
        self.public = {"cipher": CIPHER, "hmac": _encoded(self.tag), "cipheroptions": {}}


def _in_order(options, *names):
    return {name: options[name] for name in names}


def _without(options, name):
    return {other: value for other, value in options.items() if other != name}


def _valid_options(of):
    """Comment, flags, private and public options (texts or objects)."""
    private, public = of.private, of.public
    yield "members in the order of Go", ["MemberOrder"], private, public
    yield ("members in the order of Rust", ["MemberOrder"], _in_order(private, "symkey", "cipheroptions", "digest"),
           _in_order(public, "cipher", "cipheroptions", "hmac"))
    yield ("members in the reverse order", ["MemberOrder"], dict(reversed(private.items())),
           dict(reversed(public.items())))
    yield "an unknown member in both", ["UnknownMember"], private | {"version": 2}, {"extra": {"a": [1, None]}} | public
    yield ("an unknown cipher option", ["UnknownMember"],
           private | {"cipheroptions": {"other": "AAAA"} | private["cipheroptions"]}, public)
    yield "public cipher options are null", ["NullMember"], private, public | {"cipheroptions": None}
    yield "public cipher options are missing", [], private, _without(public, "cipheroptions")
    yield "over several lines", [], json.dumps(private, indent=2), json.dumps(public, indent="\t") + "\n"
    yield ("characters escaped", [], json.dumps(private).replace("/", "\\/"),
           json.dumps(public).replace("/", "\\/").replace("AES_", "\\u0041ES\\u005f"))
    yield ("the digest is another text's", ["DigestOfSource"],
           private | {"digest": "sha256:" + hashlib.sha256(b"another").hexdigest()}, public)
    yield ("the public options repeat the sealed nonce", ["PublicNonce"], private,
           public | {"cipheroptions": private["cipheroptions"]})


def _invalid_options(of):
    """Comment, flag, private and public options."""
    private, public, nonce = of.private, of.public, of.private["cipheroptions"]["nonce"]

    def sealed_nonce(value):
        return private | {"cipheroptions": {"nonce": value}}

    for octets, meaning in ((flipped(of.iv, 0), "bit 0 of its first byte changed"), (flipped(of.iv, 15), "counted on"),
                            (bytes(16), "zeros")):
        yield (f"a public nonce that differs: {meaning}", "PublicNonce", private,
               public | {"cipheroptions": {"nonce": _encoded(octets)}})
    for cipher in ("AES_256_GCM", CIPHER.lower(), CIPHER + " ", "AES_128_CTR_HMAC_SHA256", "NONE"):
        yield f"the cipher is {cipher!r}", "UnknownCipher", private, public | {"cipher": cipher}

    for value, meaning in (("", "empty"), (None, "null")):
        yield f"the key is {meaning}", "MissingMember", private | {"symkey": value}, public
        yield f"the nonce is {meaning}", "MissingMember", sealed_nonce(value), public
        yield f"the hmac is {meaning}", "MissingMember", private, public | {"hmac": value}
        yield f"the cipher is {meaning}", "MissingMember", private, public | {"cipher": value}
    yield "no key", "MissingMember", _without(private, "symkey"), public
    yield "no nonce", "MissingMember", private | {"cipheroptions": {}}, public
    yield "no private cipher options", "MissingMember", _without(private, "cipheroptions"), public
    yield "private cipher options are null", "MissingMember", private | {"cipheroptions": None}, public
    yield "no hmac", "MissingMember", private, _without(public, "hmac")
    yield "no cipher", "MissingMember", private, _without(public, "cipher")
    yield "private options of no member", "MissingMember", "{}", public
    yield "public options of no member", "MissingMember", private, "{}"

    yield "the key in hexadecimal", "WrongLength", private | {"symkey": of.key.hex()}, public
    yield "the hmac in hexadecimal", "WrongLength", private, public | {"hmac": of.tag.hex()}
    for octets in (of.key[:31], of.key + b"\0", of.key[:16], of.key * 2):
        yield f"a key of {len(octets)} bytes", "WrongLength", private | {"symkey": _encoded(octets)}, public
    for octets in (of.iv[:12], of.iv[:15], of.iv + b"\0"):
        yield f"a nonce of {len(octets)} bytes", "WrongLength", sealed_nonce(_encoded(octets)), public
    for octets in (of.tag[:16], of.tag[:31], of.tag + b"\0"):
        yield f"an hmac of {len(octets)} bytes", "WrongLength", private, public | {"hmac": _encoded(octets)}

    for change, meaning in (
        (lambda text: text.rstrip("="), "without padding"),
        (lambda text: text.replace("+", "-").replace("/", "_"), "in base64url's alphabet"),
        (lambda text: text[:8] + "!" + text[8:], "with a character of no alphabet"),
        (lambda text: text[:8] + " " + text[8:], "with a space"),
        (lambda text: text + text, "twice, padding and all"),
        (lambda text: text[:-5], "cut within four characters"),
    ):
        yield f"the key {meaning}", "BadBase64", private | {"symkey": change(private["symkey"])}, public
        yield f"the nonce {meaning}", "BadBase64", sealed_nonce(change(nonce)), public
        yield f"the hmac {meaning}", "BadBase64", private, public | {"hmac": change(public["hmac"])}

    yield "the key is a number", "WrongType", private | {"symkey": 1}, public
    yield "the hmac is an object", "WrongType", private, public | {"hmac": {}}
    yield "the cipher is an array", "WrongType", private, public | {"cipher": [CIPHER]}
    yield "the cipher options are an array", "WrongType", private | {"cipheroptions": [nonce]}, public
    for text, meaning in (("", "nothing"), ("null", "null"), ("[]", "an array"), ("sealed", "no JSON")):
        yield f"the private options are {meaning}", "WrongType", text, public
        yield f"the public options are {meaning}", "WrongType", private, text
    yield "the private options are cut", "WrongType", _text(private)[:-1], public
    yield "the public options are cut", "WrongType", private, _text(public)[:-1]
    yield "the private options have something after them", "WrongType", _text(private) + "{}", public
    yield "the public options have something after them", "WrongType", private, _text(public) + "{}"

    for at in (0, 15, 31):
        yield (f"bit 0 of byte {at} of the hmac changed", "ModifiedTag", private,
               public | {"hmac": _encoded(flipped(of.tag, at))})
    yield "an hmac of zeros", "ModifiedTag", private, public | {"hmac": _encoded(bytes(32))}
    yield "bit 0 of the key changed", "ModifiedTag", private | {"symkey": _encoded(flipped(of.key, 0))}, public


def _text(options):
    return options if isinstance(options, str) else json.dumps(options, separators=(",", ":"))


def write_options():
    name = "ocicrypt-options"
    file = File(f"{name}-texts", name, GENERATED, OWN_LICENCE, [
        "ocicrypt's options as they stand in a manifest once base64 and the key wrapping are undone. Where its two"
        " implementations differ, a case is valid if the one in Go reads it.",
        "Both let a nonce in the public options override the sealed one. Nothing authenticates it, so here a public"
        " nonce that differs from the sealed one must be refused.",
        "agreedBy vouches for the layers; that options must be taken or refused is what this file says.",
    ])
    stream = Stream(name)

    def add(of, comment, flags, private, public, ct):
        values = {"privateOptions": _text(private), "publicOptions": _text(public)}
        if _open_options(*values.values(), ct) != of.msg:
            raise SystemExit(f"{comment}: is to be valid and cannot be opened")
        file.add({}, comment, flags, msg=of.msg, **values, ct=ct)

    for length in (0, 1, 16, 17, 45, 300, 1025):
        of = _Layer(file, stream, length)
        for comment, flags, private, public in list(_valid_options(of))[: None if length in (0, 45) else 2]:
            add(of, f"{length} bytes: {comment}", flags, private, public, of.ct)

    of = _Layer(file, stream, 45)
    add(of, "the layer that the invalid ones were made from", [], of.private, of.public, of.ct)

    def refuse(comment, flag, private, public, ct):
        values = {"privateOptions": _text(private), "publicOptions": _text(public)}
        must_refuse(_open_options(*values.values(), ct), comment)
        file.add({}, comment, [flag], "invalid", msg=b"", **values, ct=ct)

    for comment, flag, private, public in _invalid_options(of):
        refuse(comment, flag, private, public, of.ct)
    for at in (0, 22, 44):
        refuse(f"bit 0 of ciphertext byte {at} changed", "ModifiedCiphertext", of.private, of.public,
               flipped(of.ct, at))
    refuse("longer by a zero", "ModifiedCiphertext", of.private, of.public, of.ct + b"\0")
    refuse("the last byte is missing", "Truncated", of.private, of.public, of.ct[:-1])
    refuse("no ciphertext", "Truncated", of.private, of.public, b"")
    file.write()


def write():
    write_layer()
    write_options()
