"""Where a tenant's models are, and what proves there who asks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from chatfold.models import failures
from chatfold.tenancy.secrets import SecretMissing
from schemas.job_failures import JobFailureCode
from schemas.tenants import Models
from streams.ports import ModelFailure

OPENAI: Final = "https://api.openai.com/v1"
NO_KEY: Final = "none"
"""The client wants one; a service that wants none does not look."""

_LIMIT_FIELDS: Final = MappingProxyType({"openai": "max_completion_tokens"})
"""OpenAI's newer models take no `max_tokens`; the services of others often know only that."""

Resolve = Callable[[str], str]
"""What a reference leads to; raises `SecretMissing`."""


@dataclass(frozen=True, slots=True)
class Service:
    """An address, and the key there."""

    base_url: str
    key: str = field(repr=False)


def for_text(models: Models, resolve: Resolve) -> Service | ModelFailure:
    """Where the tenant's models write and look."""
    return _service(models.base_url, models.api_key, resolve)


def for_speech(models: Models, resolve: Resolve) -> Service | ModelFailure:
    """Where the tenant's speech is understood; another service never gets the first one's key."""
    if models.speech_base_url is not None:
        return _service(models.speech_base_url, models.speech_api_key, resolve)
    return _service(models.base_url, models.speech_api_key or models.api_key, resolve)


def limit_field(models: Models) -> str:
    """What the tenant's service calls the number of tokens that an answer may have."""
    return _LIMIT_FIELDS.get(models.provider, "max_tokens")


def _service(
    base_url: str | None, reference: str | None, resolve: Resolve
) -> Service | ModelFailure:
    try:
        key = resolve(reference) if reference is not None else NO_KEY
    except SecretMissing as missing:
        return failures.failure(JobFailureCode.NOT_CONFIGURED, f"the model's key: {missing}")
    return Service(base_url or OPENAI, key)
