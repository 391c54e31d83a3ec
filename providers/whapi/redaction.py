"""What no record shall hold is taken out before anything is written."""

from typing import Final, TypeVar

from providers.whapi.fields import SECRETS
from schemas import codec

T = TypeVar("T")
_HOLDING: Final = (dict, list)  # a union would be made anew for every value


def redacted(value: T, depth: int = codec.DEEPEST) -> T:
    """`value` without signed addresses, secrets and pictures in base64."""
    found: object = value
    if isinstance(value, dict) and depth:
        found = {
            key: redacted(one, depth - 1) if isinstance(one, _HOLDING) else one
            for key, one in value.items()
            if key not in SECRETS
        }
    elif isinstance(value, list) and depth:
        found = [redacted(one, depth - 1) for one in value]
    return found  # type: ignore[return-value]  # of the same shape
