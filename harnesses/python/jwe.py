"""JSON Web Encryption (RFC 7516) with the algorithms of RFC 7518 and X25519 (RFC 8037)."""

import base64
import json
import zlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from cryptography.hazmat.primitives.padding import PKCS7

from keys import oaep_decrypt
from operation import Operation, Unsupported
from primitives import hmac, open_

# The content encryptions: the size of their keys in bytes and, where HMAC authenticates, its hash.
ENCRYPTIONS = {
    "A128GCM": (16, None),
    "A192GCM": (24, None),
    "A256GCM": (32, None),
    "A128CBC-HS256": (32, hashes.SHA256()),
    "A192CBC-HS384": (48, hashes.SHA384()),
    "A256CBC-HS512": (64, hashes.SHA512()),
}
# The key managements of each kind: the size of the wrapping key in bytes, or the hash.
KEY_WRAP = {"A128KW": 16, "A192KW": 24, "A256KW": 32}
GCM_KEY_WRAP = {"A128GCMKW": 16, "A192GCMKW": 24, "A256GCMKW": 32}
AGREEMENT = {"ECDH-ES": None, "ECDH-ES+A128KW": 16, "ECDH-ES+A192KW": 24, "ECDH-ES+A256KW": 32}
RSA_OAEP = {"RSA-OAEP": hashes.SHA1(), "RSA-OAEP-256": hashes.SHA256()}

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}

# A compressed plaintext may not grow beyond this, in bytes.
INFLATED = 1 << 20


def decrypt(jwk, jwe):
    """Tries the recipients in turn. Where none can be opened, the reason is the first that is not Unsupported."""
    key = json_object(jwk)
    message, recipients = parse(jwe)
    refusals = []
    for recipient in recipients:
        try:
            return decrypt_for(key, message, recipient)
        except Exception as refusal:
            refusals.append(refusal)
    raise next((r for r in refusals if not isinstance(r, Unsupported)), refusals[0])


def parse(jwe):
    """Returns the members that all recipients share, and the members of each recipient."""
    if not jwe.lstrip().startswith("{"):
        parts = jwe.split(".")
        if len(parts) != 5:
            raise ValueError(f"a compact JWE has 5 parts, not {len(parts)}")
        message = dict(zip(("protected", "encrypted_key", "iv", "ciphertext", "tag"), parts))
        return message, [message]
    message = json_object(jwe)
    recipients = message.get("recipients", [message])
    if not recipients:
        raise ValueError("no recipients")
    return message, recipients


def decrypt_for(key, message, recipient):
    header, protected = join_headers(message, recipient)
    alg, enc = header["alg"], header["enc"]
    check_use(key, alg, enc)
    if enc not in ENCRYPTIONS:
        raise Unsupported(f"no content encryption {enc}")
    if header.get("zip", "DEF") != "DEF":
        raise Unsupported(f"no compression {header['zip']}")

    content_key = find_content_key(key, header, octets(recipient.get("encrypted_key", "")))
    if len(content_key) != ENCRYPTIONS[enc][0]:
        raise ValueError(f"{enc} with a key of {len(content_key)} bytes")
    aad = message.get("protected", "")
    if "aad" in message:
        octets(message["aad"])
        aad += "." + message["aad"]
    iv, ct, tag = (octets(message.get(name, "")) for name in ("iv", "ciphertext", "tag"))
    msg = decrypt_content(enc, content_key, iv, aad.encode(), ct, tag)
    return inflate(msg) if "zip" in protected else msg


def join_headers(message, recipient):
    """Returns the three headers as one, and the protected one."""
    protected = json_object(octets(message["protected"])) if "protected" in message else {}
    parts = [protected, message.get("unprotected", {}), recipient.get("header", {})]
    header = {name: value for part in parts for name, value in part.items()}
    if len(header) != sum(map(len, parts)):
        raise ValueError("a header parameter stands twice")
    if "crit" in header:
        raise ValueError(f"critical extensions {header['crit']}")
    if "zip" in header and "zip" not in protected:
        raise ValueError("zip stands in an unprotected header")
    return header, protected


def check_use(key, alg, enc):
    """A key that says what it is for serves nothing else. A key for "dir" is one of the content encryption."""
    if key.get("use", "enc") != "enc":
        raise ValueError(f"the key is for {key['use']}")
    if key.get("alg", alg) not in (alg, enc if alg == "dir" else alg):
        raise ValueError(f"the key is for {key['alg']}, not for {alg}")


def find_content_key(key, header, encrypted_key):
    alg = header["alg"]
    if alg in ("dir", "ECDH-ES") and encrypted_key:
        raise ValueError(f"{alg} with an encrypted key")
    if alg == "dir":
        return symmetric_key(key)
    if alg in KEY_WRAP:
        return aes_key_unwrap(symmetric_key(key, KEY_WRAP[alg]), encrypted_key)
    if alg in GCM_KEY_WRAP:
        wrapping_key = symmetric_key(key, GCM_KEY_WRAP[alg])
        return gcm_open(wrapping_key, octets(header["iv"]), b"", encrypted_key, octets(header["tag"]))
    if alg in AGREEMENT:
        agreed = agree(key, header)
        return agreed if alg == "ECDH-ES" else aes_key_unwrap(agreed, encrypted_key)
    if alg in RSA_OAEP:
        return oaep_decrypt(rsa_key(key), encrypted_key, RSA_OAEP[alg], RSA_OAEP[alg])
    raise Unsupported(f"no key management {alg}")


def agree(key, header):
    """ECDH and Concat KDF (RFC 7518, 4.6): gives the wrapping key, or with plain ECDH-ES the content key."""
    alg, enc, epk = header["alg"], header["enc"], header["epk"]
    size = AGREEMENT[alg] or ENCRYPTIONS[enc][0]
    name = (enc if alg == "ECDH-ES" else alg).encode()
    parties = octets(header.get("apu", "")), octets(header.get("apv", ""))
    info = b"".join(len(field).to_bytes(4, "big") + field for field in (name, *parties))
    info += (size * 8).to_bytes(4, "big")
    return ConcatKDFHash(hashes.SHA256(), size, info).derive(shared_secret(key, epk))


def shared_secret(key, epk):
    crv = key["crv"]
    if (epk["kty"], epk["crv"]) != (key["kty"], crv):
        raise ValueError(f"the ephemeral key is on {epk['crv']}, the recipient's on {crv}")
    if key["kty"] == "OKP" and crv == "X25519":
        public = x25519.X25519PublicKey.from_public_bytes(octets(epk["x"]))
        return x25519.X25519PrivateKey.from_private_bytes(octets(key["d"])).exchange(public)
    if key["kty"] == "EC" and crv in CURVES:
        private = ec.EllipticCurvePrivateNumbers(coordinate(key, "d"), point(key)).private_key()
        return private.exchange(ec.ECDH(), point(epk).public_key())
    raise Unsupported(f"no curve {crv}")


def point(jwk):
    return ec.EllipticCurvePublicNumbers(coordinate(jwk, "x"), coordinate(jwk, "y"), CURVES[jwk["crv"]])


def coordinate(jwk, name):
    value = octets(jwk[name])
    size = (CURVES[jwk["crv"]].key_size + 7) // 8
    if len(value) != size:
        raise ValueError(f"{name} has {len(value)} bytes, not {size}")
    return int.from_bytes(value, "big")


def rsa_key(jwk):
    check_type(jwk, "RSA")
    n, e, d, p, q, dp, dq, qi = (
        int.from_bytes(octets(jwk[name]), "big") for name in ("n", "e", "d", "p", "q", "dp", "dq", "qi")
    )
    if n.bit_length() < 2048:
        raise ValueError(f"RFC 7518 wants RSA keys of 2048 bits or more, not {n.bit_length()}")
    return rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, rsa.RSAPublicNumbers(e, n)).private_key()


def symmetric_key(jwk, size=None):
    check_type(jwk, "oct")
    key = octets(jwk["k"])
    if size and len(key) != size:
        raise ValueError(f"the key has {len(key)} bytes, not {size}")
    return key


def check_type(jwk, kty):
    if jwk["kty"] != kty:
        raise ValueError(f"a key of type {jwk['kty']}, not {kty}")


def decrypt_content(enc, key, iv, aad, ct, tag):
    mac = ENCRYPTIONS[enc][1]
    return cbc_hmac_open(mac, key, iv, aad, ct, tag) if mac else gcm_open(key, iv, aad, ct, tag)


def gcm_open(key, iv, aad, ct, tag):
    if (len(iv), len(tag)) != (12, 16):
        raise ValueError("GCM wants an IV of 12 bytes and a tag of 16")
    return open_(AESGCM(key), iv, aad, ct, tag)


def cbc_hmac_open(mac, key, iv, aad, ct, tag):
    """RFC 7518, 5.2.2.2: the first half of the key authenticates, the second encrypts; half the code is the tag."""
    half = len(key) // 2
    code = hmac(key[:half], aad + iv + ct + (len(aad) * 8).to_bytes(8, "big"), mac)
    if not bytes_eq(code[:half], tag):
        raise ValueError("the tag does not hold")
    decryptor = Cipher(algorithms.AES(key[half:]), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(ct) + decryptor.finalize()) + unpadder.finalize()


def inflate(data):
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    msg = inflater.decompress(data, INFLATED)
    if not inflater.eof:
        raise ValueError(f"the compressed plaintext is cut off, or longer than {INFLATED} bytes")
    return msg


def octets(text):
    """Base64url as RFC 7515 has it: no padding, no other characters, no bits that mean nothing."""
    value = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(value).decode().rstrip("=") != text:
        raise ValueError("not base64url")
    return value


def json_object(text):
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


ALGORITHMS = {"jwe": {"decrypt": Operation(decrypt, "jwk jwe", "msg")}}
