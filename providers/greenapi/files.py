"""Files in messages: what they are, whatever Green API takes them for."""

from collections.abc import Callable
from typing import Final

from providers.greenapi.markers import words
from providers.reading import mapping, text
from schemas.content import Content, Json, Media, MessageKind

_MAJOR: Final = {
    MessageKind.IMAGE: "image",
    MessageKind.STICKER: "image",
    MessageKind.VIDEO: "video",
    MessageKind.AUDIO: "audio",
}
_BY_ENDING: Final = {
    "3gp": "video/3gpp",
    "aac": "audio/aac",
    "amr": "audio/amr",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "m4a": "audio/mp4",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpga": "audio/mpeg",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "pdf": "application/pdf",
    "png": "image/png",
    "wav": "audio/wav",
    "webp": "image/webp",
}
_SPOKEN: Final = "audio/ogg"
"""WhatsApp records voice in Ogg, and tells Green API no other sign of it."""


def file(kind: MessageKind, data: Json, named: Callable[[], str | None]) -> Content | None:
    """The content of a message with a file, None if nobody could ask for it."""
    reference = named()
    if reference is None:
        return None
    node = mapping(data.get("fileMessageData"))
    name = text(node.get("fileName"))
    mime = _mime(kind, text(node.get("mimeType")), name)
    if kind is MessageKind.AUDIO and _essence(mime) == _SPOKEN:
        kind = MessageKind.VOICE
    return Content(
        kind=kind,
        media=Media(reference=reference, mime=mime, file_name=name),
        caption=words(node.get("caption")),
    )


def _mime(kind: MessageKind, told: str | None, name: str | None) -> str | None:
    """What the file is: what was told where it can be, otherwise by the ending of its name."""
    major = _MAJOR.get(kind)
    if told and (major is None or _essence(told).startswith(f"{major}/")):
        return told
    found = _BY_ENDING.get((name or "").rpartition(".")[2].lower())
    return found if found and (major is None or found.startswith(f"{major}/")) else None


def _essence(mime: str | None) -> str:
    return (mime or "").partition(";")[0].strip().lower()
