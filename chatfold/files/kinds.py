"""What a file is, by its content: what was told of it counts only where the content is silent."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

import puremagic

UNKNOWN: Final = "application/octet-stream"
HEAD: Final = 65_536
_SURE: Final = 0.5
"""A shorter signature than this is also the beginning of many a text."""

_PDF_WITHIN: Final = 1024
_SAME: Final = MappingProxyType(
    {
        "application/ogg": "audio/ogg",
        "audio/wave": "audio/wav",
        "audio/x-wav": "audio/wav",
        "audio/mp3": "audio/mpeg",
        "audio/x-m4a": "audio/mp4",
        "image/heif": "image/heic",
        "image/jpg": "image/jpeg",
        "image/x-ms-bmp": "image/bmp",
    }
)
_BRANDS: Final = MappingProxyType(
    {
        b"M4A ": "audio/mp4",
        b"M4B ": "audio/mp4",
        b"F4A ": "audio/mp4",
        b"qt  ": "video/quicktime",
        b"heic": "image/heic",
        b"heix": "image/heic",
        b"mif1": "image/heic",
        b"avif": "image/avif",
    }
)
_BEGINNINGS: Final = MappingProxyType(
    {
        b"%PDF-": "application/pdf",
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"\xff\xd8\xff": "image/jpeg",
        b"GIF8": "image/gif",
        b"fLaC": "audio/flac",
        b"#!AMR": "audio/amr",
        b"ID3": "audio/mpeg",
    }
)
_WRAPPERS: Final = MappingProxyType(
    {b"PK\x03\x04": "application/zip", b"\xd0\xcf\x11\xe0": "application/x-ole-storage"}
)
"""What office documents and many others are wrapped in: inside it can be what was told."""

_SHOWN: Final = ("image/", "audio/", "video/", "application/pdf")
"""What would show itself, if it were that."""

_HEADLESS: Final = frozenset({"audio/mpeg", "audio/aac"})
"""Streams that can begin anywhere."""


def mime_of(data: bytes, told: str | None) -> str:
    """The type of a file's content, without parameters."""
    head, said = data[:HEAD], _essence(told)
    return _by_container(head, said) or _by_signature(head) or _as_told(head, said)


def _by_container(head: bytes, said: str) -> str | None:
    """The type of what holds sound, pictures or documents; the outside looks alike."""
    for beginning, found in _BEGINNINGS.items():
        if head.startswith(beginning):
            return found
    for beginning, wrapper in _WRAPPERS.items():
        if head.startswith(beginning):
            is_inside = said.startswith("application/") and said not in {UNKNOWN, "application/pdf"}
            return said if is_inside else wrapper
    if head.startswith(b"OggS"):
        return "video/ogg" if b"\x80theora" in head else "audio/ogg"
    if head[4:8] == b"ftyp":
        return _by_brand(head[8:12], said)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "audio/webm" if said.startswith("audio/") else "video/webm"
    return None


def _by_brand(brand: bytes, said: str) -> str:
    found = _BRANDS.get(brand)
    if found is not None:
        return found
    inside = "3gpp" if brand.startswith(b"3g") else "mp4"
    return f"audio/{inside}" if said.startswith("audio/") else f"video/{inside}"


def _by_signature(head: bytes) -> str | None:
    for mime, confidence in _signatures(head):
        if confidence >= _SURE or not _is_text(head):
            return mime
    return "application/pdf" if b"%PDF-" in head[:_PDF_WITHIN] else None


def _signatures(head: bytes) -> Iterator[tuple[str, float]]:
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):  # it knows nothing like it, or there is nothing
        return
    for one in found:
        if one.mime_type and one.mime_type != UNKNOWN:
            yield _SAME.get(one.mime_type, one.mime_type), one.confidence


def _as_told(head: bytes, said: str) -> str:
    if _is_text(head):
        return said if said.startswith("text/") and said != "text/html" else "text/plain"
    is_headless = said in _HEADLESS
    if not said or (said.startswith(_SHOWN) and not is_headless) or said.startswith("text/"):
        return UNKNOWN
    return said


def _is_text(head: bytes) -> bool:
    if not head or b"\x00" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) == HEAD  # cut within a letter
    return True


def _essence(told: str | None) -> str:
    word = (told or "").partition(";")[0].strip().lower()
    return _SAME.get(word, word) if word.count("/") == 1 and word.isascii() else ""
