"""Secrets by reference: `env:NAME`, `file:PATH`, or sealed; read where they are, never written."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from chatfold.tenancy import sealing

_ENV: Final = "env:"
_FILE: Final = "file:"

RESERVED: Final = frozenset(
    {sealing.VARIABLE, "CHATFOLD_API_TOKEN", "CHATFOLD_API_TOKENS", "DATABASE_URL", "REDIS_URL"}
)
"""The deployment's own secrets: no tenant may have them sent to an address of its choice."""
_PSEUDO: Final = ("/proc/", "/sys/", "/dev/")


class SecretMissing(Exception):
    """A reference leads to nothing; the text names the variable, the file or the key."""


class Secrets:
    """Resolves references, and remembers what files said until `refresh`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.keys = sealing.master_keys(environment.get(sealing.VARIABLE, ""))
        self._environment = environment
        self._files: dict[str, str] = {}

    @classmethod
    def from_environment(cls, dotenv: Path = Path(".env")) -> "Secrets":
        """Secrets out of the environment, and out of `.env` where it does not name them."""
        named = dotenv_values(dotenv) if dotenv.is_file() else {}
        return cls({**{k: v for k, v in named.items() if v is not None}, **os.environ})

    def resolve(self, reference: str, *, tenant: str | None) -> str:
        """The secret that `reference`, of `tenant` or the deployment's own, leads to.

        Raises `SecretMissing`.
        """
        if reference.startswith(sealing.PREFIX):
            return self._opened(reference, tenant)
        if tenant is not None and (reserved := why_reserved(reference)):
            raise SecretMissing(reserved)
        if reference.startswith(_ENV):
            return self._variable(reference.removeprefix(_ENV))
        if not reference.startswith(_FILE):
            raise SecretMissing("a secret is referred to by `env:NAME` or `file:PATH`")
        if reference not in self._files:
            self._files[reference] = _read(reference.removeprefix(_FILE))
        return self._files[reference]

    def refresh(self) -> bool:
        """Whether a file says something new; one that cannot be read keeps its old word."""
        changed = False
        for reference, known in self._files.items():
            try:
                found = _read(reference.removeprefix(_FILE))
            except SecretMissing:
                continue
            changed = changed or found != known
            self._files[reference] = found
        return changed

    def _opened(self, reference: str, tenant: str | None) -> str:
        if tenant is None:
            raise SecretMissing("a sealed secret belongs to a tenant, and is used by it alone")
        try:
            return self.keys.open(sealing.parse(reference), tenant=tenant)
        except sealing.CannotOpen as error:
            raise SecretMissing(f"{sealing.shown(reference)}: {error}") from None

    def _variable(self, name: str) -> str:
        secret = self._environment.get(name, "")
        if not secret:
            raise SecretMissing(f"variable {name} is not set, or is empty")
        return secret


def why_reserved(reference: str) -> str | None:
    """Why no tenant may refer to that, None if it may."""
    name = reference.removeprefix(_ENV)
    if name != reference:
        return f"variable {name} is the deployment's own" if name in RESERVED else None
    path = reference.removeprefix(_FILE)
    if path != reference and str(Path(path).resolve()).startswith(_PSEUDO):
        return f"file {path} is no secret"
    return None


def _read(path: str) -> str:
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SecretMissing(f"file {path} cannot be read: {reason}") from None
    if not secret:
        raise SecretMissing(f"file {path} is empty")
    return secret
