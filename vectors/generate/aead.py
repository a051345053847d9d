"""Opens messages of the AEADs with OpenSSL, to see that what is to be invalid is refused."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

CIPHERS = {"gcm": AESGCM, "chacha20_poly1305": ChaCha20Poly1305}


def opened(operation, key, iv, aad, ct, tag):
    """The plaintext, or None where it is refused."""
    try:
        return CIPHERS[operation](key).decrypt(iv, ct + tag, aad)
    except InvalidTag:
        return None
