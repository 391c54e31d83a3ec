"""Whether what came is the file that was announced, and one that is kept; pure."""

from typing import Final

from schemas.content import Media
from schemas.job_failures import JobFailureCode
from streams.media.failures import Failed

MEGABYTE: Final = 1_000_000


def announced(media: Media, most: int) -> Failed | None:
    """Why a file is not even fetched."""
    if media.size is not None and media.size > most:
        return _too_large(media.size, most)
    return None


def came(media: Media, size: int, sha256: str, most: int) -> Failed | None:
    """Why what came is not kept."""
    if size == 0:
        return Failed(JobFailureCode.EMPTY, "the file has no bytes")
    if size > most:
        return _too_large(size, most)
    if media.sha256 is not None and media.sha256.lower() != sha256:
        detail = f"the SHA-256 of what came is {sha256}, not {media.sha256}"
        return Failed(JobFailureCode.CORRUPT, detail)
    return None


def _too_large(size: int, most: int) -> Failed:
    return Failed(JobFailureCode.TOO_LARGE, f"{size} bytes are more than {most}")
