"""Sectors as dm-crypt writes them: CBC with ESSIV, and the two kinds of authenticated sectors."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.constant_time import bytes_eq

from operation import Operation
from primitives import block_encrypt, decrypt, encrypt, hmac, open_, seal, sha256, xts_decrypt, xts_encrypt


def plain64(sector):
    """The sector's number, little-endian, filled up to a block."""
    return sector + bytes(8)


def essiv(key, sector):
    """CBC whose IV is the sector's number, encrypted under the hash of the key."""
    return Cipher(algorithms.AES(key), modes.CBC(block_encrypt(sha256(key), plain64(sector))))


def essiv_encrypt(key, sector, msg):
    return encrypt(essiv(key, sector), msg)


def essiv_decrypt(key, sector, ct):
    return decrypt(essiv(key, sector), ct)


def gcm_seal(key, sector, iv, msg):
    return seal(AESGCM(key), iv, sector + iv, msg)


def gcm_open(key, sector, iv, ct, tag):
    return open_(AESGCM(key), iv, sector + iv, ct, tag)


def sector_code(mac_key, sector, ct):
    return hmac(mac_key, sector + plain64(sector) + ct)


def xts_hmac_seal(key, sector, msg):
    xts_key, mac_key = key[:64], key[64:]
    ct = xts_encrypt(xts_key, plain64(sector), msg)
    return ct, sector_code(mac_key, sector, ct)


def xts_hmac_open(key, sector, ct, tag):
    xts_key, mac_key = key[:64], key[64:]
    if not bytes_eq(sector_code(mac_key, sector, ct), tag):
        raise ValueError("the tag does not hold")
    return xts_decrypt(xts_key, plain64(sector), ct)


def cbc_essiv(key_size):
    sizes = {"key": key_size, "sector": 8}
    return {
        "encrypt": Operation(essiv_encrypt, "key sector msg", "ct", sizes),
        "decrypt": Operation(essiv_decrypt, "key sector ct", "msg", sizes),
    }


GCM_SIZES = {"key": 32, "sector": 8, "iv": 12, "tag": 16}
XTS_HMAC_SIZES = {"key": 96, "sector": 8, "tag": 32}

ALGORITHMS = {
    "aes-128-cbc-essiv-sha256": cbc_essiv(16),
    "aes-256-cbc-essiv-sha256": cbc_essiv(32),
    "dm-crypt-aes-256-gcm-random": {
        "seal": Operation(gcm_seal, "key sector iv msg", "ct tag", GCM_SIZES),
        "open": Operation(gcm_open, "key sector iv ct tag", "msg", GCM_SIZES),
    },
    "dm-crypt-aes-256-xts-hmac-sha256": {
        "seal": Operation(xts_hmac_seal, "key sector msg", "ct tag", XTS_HMAC_SIZES),
        "open": Operation(xts_hmac_open, "key sector ct tag", "msg", XTS_HMAC_SIZES),
    },
}
