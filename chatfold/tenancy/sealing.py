"""Secrets encrypted at rest: sealed for one tenant under a master key, and opened for it alone."""

import os
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatfold.refusal import Refusal

VARIABLE: Final = "CHATFOLD_MASTER_KEYS"
PREFIX: Final = "enc:"
SHOWN: Final = "enc:\N{HORIZONTAL ELLIPSIS}"
KEY_BITS: Final = 256
NONCE_BYTES: Final = 12  # what AES-GCM is made for; drawn at random, as a key seals few secrets
FINGERPRINT: Final = 8

_SEALED: Final = re.compile(r"enc:v1:([A-Za-z0-9][A-Za-z0-9._-]{0,31}):([A-Za-z0-9+/]+={0,2})")
_KEY: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,31}):([A-Za-z0-9+/]{43}=)")


class CannotOpen(Exception):
    """A sealed secret cannot be read; the text says why, and names the key."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A reference `enc:v1:KEYID:BASE64`: the key, and nonce and ciphertext under it."""

    key_id: str
    box: bytes

    @property
    def reference(self) -> str:
        """The reference as a tenant holds it."""
        return f"{PREFIX}v1:{self.key_id}:{b64encode(self.box).decode()}"

    @property
    def shown(self) -> str:
        """What people are shown of it: its key, and a fingerprint that tells it from others."""
        return f"{SHOWN}{self.key_id}:{sha256(self.box).hexdigest()[:FINGERPRINT]}"


def parse(reference: str) -> Sealed:
    """What the reference says; raises `CannotOpen`."""
    found = _SEALED.fullmatch(reference)
    if found is None:
        raise CannotOpen("it is not enc:v1:KEYID:BASE64, as `chatfold tenants encrypt` prints it")
    try:
        return Sealed(found[1], b64decode(found[2], validate=True))
    except NotBase64:
        raise CannotOpen(f"what follows key {found[1]} is not base64") from None


def shown(reference: str) -> str:
    """The reference as people are shown it: a sealed one by its key, others as they are."""
    if not reference.startswith(PREFIX):
        return reference
    try:
        return parse(reference).shown
    except CannotOpen:
        return SHOWN


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """The keys of a deployment by id: the first seals, all open."""

    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def first(self) -> str:
        """The key that seals; raises `Refusal` if there is none."""
        if not self.keys:
            way_out = f"put one, from `chatfold tenants keys new`, into {VARIABLE}"
            raise Refusal(f"there is no master key: {way_out}")
        return next(iter(self.keys))

    def seal(self, secret: str, *, tenant: str) -> Sealed:
        """The secret, to be opened only for `tenant`; raises `Refusal` if there is no key."""
        key_id, nonce = self.first, os.urandom(NONCE_BYTES)
        box = AESGCM(self.keys[key_id]).encrypt(nonce, secret.encode(), _bound(tenant))
        return Sealed(key_id, nonce + box)

    def open(self, sealed: Sealed, *, tenant: str) -> str:
        """The secret; raises `CannotOpen`."""
        key = self.keys.get(sealed.key_id)
        if key is None:
            raise CannotOpen(f"master key {sealed.key_id} is not in {VARIABLE}")
        nonce, box = sealed.box[:NONCE_BYTES], sealed.box[NONCE_BYTES:]
        try:
            return AESGCM(key).decrypt(nonce, box, _bound(tenant)).decode()
        except (InvalidTag, ValueError):
            made = f"sealed for tenant {tenant} by master key {sealed.key_id}"
            raise CannotOpen(f"it was not {made}, or is damaged") from None


def master_keys(text: str) -> MasterKeys:
    """The keys of `KEYID:BASE64[,KEYID:BASE64…]`; raises `Refusal`, which holds no key."""
    keys: dict[str, bytes] = {}
    for number, entry in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        found = _KEY.fullmatch(entry)
        if found is None:
            raise Refusal(
                f"entry {number} of {VARIABLE} is not KEYID:BASE64 of {KEY_BITS // 8} bytes:"
                " `chatfold tenants keys new` prints one"
            )
        if found[1] in keys:
            raise Refusal(f"{VARIABLE} names key {found[1]} twice")
        keys[found[1]] = b64decode(found[2])
    return MasterKeys(keys)


def new_key(key_id: str) -> str:
    """A fresh key as `CHATFOLD_MASTER_KEYS` takes it; raises `Refusal`."""
    made = f"{key_id}:{b64encode(AESGCM.generate_key(KEY_BITS)).decode()}"
    master_keys(made)
    return made


def _bound(tenant: str) -> bytes:
    """What is sealed with the secret, so that it cannot be moved to another tenant."""
    return f"chatfold:tenant:{tenant}".encode()
