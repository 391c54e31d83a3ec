"""What no record shall hold is taken out before anything is written."""

from typing import Final, TypeVar

from providers.greenapi.markers import marker
from schemas import codec

T = TypeVar("T")

LEFT_OUT: Final = frozenset({"downloadUrl", "jpegThumbnail", "urlAvatar", "urlFile"})
"""Links that whoever has them can follow, and pictures of pictures."""
_HOLDING: Final = (dict, list)


def redacted(value: T, depth: int = codec.DEEPEST) -> T:
    """`value` without such links and pictures; what stands for a lost file stays."""
    found: object = value
    if isinstance(value, dict) and depth:
        found = {
            key: redacted(one, depth - 1) if isinstance(one, _HOLDING) else one
            for key, one in value.items()
            if key not in LEFT_OUT or marker(one)
        }
    elif isinstance(value, list) and depth:
        found = [redacted(one, depth - 1) for one in value]
    return found  # type: ignore[return-value]  # of the same shape
