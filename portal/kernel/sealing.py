"""Secrets at rest: authenticated encryption, and fingerprints by which a sealed value can still be found."""

import base64
import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


def derive_key(master: str, purpose: str) -> bytes:
    """A 256-bit key for one purpose, so that no two uses of the master key can be played against each other."""
    return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(master.encode())


def seal(plain: bytes, key: bytes, bound_to: bytes = b"") -> bytes:
    """AES-256-GCM; `bound_to` must be given again to open it."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def unseal(sealed: bytes, key: bytes, bound_to: bytes = b"") -> bytes:
    """Raises cryptography.exceptions.InvalidTag where key or content are not the ones that were sealed."""
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)


def seal_text(plain: str, key: bytes) -> str:
    return base64.urlsafe_b64encode(seal(plain.encode(), key)).decode()


def unseal_text(sealed: str, key: bytes) -> str:
    return unseal(base64.urlsafe_b64decode(sealed), key).decode()


def fingerprint(text: str, key: bytes) -> str:
    """The same for the same text, and useless without the key."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
