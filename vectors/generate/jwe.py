"""Decryption of JWE (RFC 7516, 7518), composed over pyca/cryptography to check vectors with. Not for any other use."""

import base64
import hmac
import json
import zlib

from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.padding import PKCS7

CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
# Content encryption: bytes of the key, and the hash of those that are CBC with HMAC.
CONTENT = {
    "A128GCM": (16, None), "A192GCM": (24, None), "A256GCM": (32, None),
    "A128CBC-HS256": (32, "sha256"), "A192CBC-HS384": (48, "sha384"), "A256CBC-HS512": (64, "sha512"),
}
RSA_PADDING = {
    "RSA1_5": padding.PKCS1v15(),
    "RSA-OAEP": padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),
    "RSA-OAEP-256": padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None),
}


class Refused(Exception):
    """The token cannot be opened with the key."""


def _octets(text):
    if "=" in text or set(text) & set("+/"):
        raise Refused("not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(text):
    return int.from_bytes(_octets(text), "big")


def _rsa(jwk):
    n, e, d = (_number(jwk[name]) for name in "ned")
    p, q = rsa.rsa_recover_prime_factors(n, e, d)
    numbers = rsa.RSAPublicNumbers(e, n)
    return rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), numbers
    ).private_key()


def _agreed(jwk, header, algorithm, size):
    """The key that ECDH-ES agrees on."""
    epk = header["epk"]
    if epk["crv"] != jwk["crv"]:
        raise Refused("the ephemeral key is on another curve")
    curve = CURVES[jwk["crv"]]()
    private = ec.derive_private_key(_number(jwk["d"]), curve)
    public = ec.EllipticCurvePublicNumbers(_number(epk["x"]), _number(epk["y"]), curve).public_key()
    parts = (algorithm.encode(), _octets(header.get("apu", "")), _octets(header.get("apv", "")))
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts) + (size * 8).to_bytes(4, "big")
    return ConcatKDFHash(hashes.SHA256(), size, info).derive(private.exchange(ec.ECDH(), public))


def _content_key(jwk, header, wrapped):
    algorithm, size = header["alg"], CONTENT[header["enc"]][0]
    expected = jwk.get("alg", algorithm)
    if expected != (header["enc"] if algorithm == "dir" else algorithm):
        raise Refused("the key is for another algorithm")
    if algorithm == "dir" or algorithm == "ECDH-ES":
        if wrapped:
            raise Refused("an encrypted key where there is none")
        return _octets(jwk["k"]) if algorithm == "dir" else _agreed(jwk, header, header["enc"], size)
    if algorithm in RSA_PADDING:
        return _rsa(jwk).decrypt(wrapped, RSA_PADDING[algorithm])
    wrapper = algorithm.removeprefix("ECDH-ES+")
    bits = int(wrapper[1:4])
    key = _octets(jwk["k"]) if wrapper == algorithm else _agreed(jwk, header, algorithm, bits // 8)
    if len(key) * 8 != bits:
        raise Refused("the key has not the algorithm's size")
    if wrapper == f"A{bits}KW":
        return keywrap.aes_key_unwrap(key, wrapped)
    if wrapper == f"A{bits}GCMKW":
        return _gcm(key, _octets(header["iv"]), wrapped, _octets(header["tag"]), b"")
    raise Refused(f"no algorithm {algorithm}")


def _gcm(key, iv, ct, tag, aad):
    if len(iv) != 12 or len(tag) != 16:
        raise Refused("nonce or tag of another size")
    return AESGCM(key).decrypt(iv, ct + tag, aad)


def _cbc_hmac(name, key, iv, ct, tag, aad):
    half = len(key) // 2
    code = hmac.digest(key[:half], aad + iv + ct + (len(aad) * 8).to_bytes(8, "big"), name)[:half]
    if not hmac.compare_digest(code, tag):
        raise Refused("the tag does not hold")
    decryptor = Cipher(algorithms.AES(key[half:]), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(ct) + decryptor.finalize()) + unpadder.finalize()


def _members(token):
    """Protected header, other headers, encrypted key, iv, ciphertext, tag, and further associated data."""
    if not token.lstrip().startswith("{"):
        protected, wrapped, iv, ct, tag = token.split(".")
        return protected, {}, wrapped, iv, ct, tag, None
    token = json.loads(token)
    recipients = token.get("recipients", [token])
    if len(recipients) != 1:
        raise Refused("several recipients")
    recipient = recipients[0]
    others = token.get("unprotected", {}) | recipient.get("header", {})
    return (token.get("protected", ""), others, recipient.get("encrypted_key", ""), token.get("iv", ""),
            token["ciphertext"], token.get("tag", ""), token.get("aad"))


def decrypted(jwk, token):
    """The plaintext; any exception is a refusal."""
    jwk = json.loads(jwk)
    protected, others, wrapped, iv, ct, tag, aad = _members(token)
    header = json.loads(_octets(protected)) if protected else {}
    if set(header) & set(others):
        raise Refused("a header stands twice")
    if "crit" in header:
        raise Refused("a critical extension")
    compressed = header.get("zip")
    header |= others
    size, name = CONTENT[header["enc"]]
    key = _content_key(jwk, header, _octets(wrapped))
    if len(key) != size:
        raise Refused("a content key of another size")
    bound = (protected if aad is None else f"{protected}.{aad}").encode()
    iv, ct, tag = map(_octets, (iv, ct, tag))
    msg = _cbc_hmac(name, key, iv, ct, tag, bound) if name else _gcm(key, iv, ct, tag, bound)
    if compressed is None:
        return msg
    if compressed != "DEF":
        raise Refused("no such compression")
    return zlib.decompress(msg, -15)
