"""The files that people send in the demo: made here, held by the sandbox, told of in webhooks."""

import asyncio
import io
import math
import re
import wave
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import accumulate
from types import MappingProxyType
from typing import Final

import aiohttp
from PIL import Image, ImageDraw

from chatfold.demo import script
from chatfold.demo.script import Webhook
from providers.protocol import Message
from providers.registry import PROVIDERS
from schemas import codec
from schemas.content import Content, Media, MessageKind

WRITTEN: Final = "Order 1815: two jars of marmalade"
RATE: Final = 8_000

_LINK: Final = re.compile(rb"https://lookaside\.fbsbx\.com/ig_messaging_cdn/\?asset_id=(\d+)&")
_AT_SANDBOX: Final = rb"/instagram/cdn/\1?"


@dataclass(frozen=True, slots=True)
class File:
    """A file's bytes, and what they are."""

    data: bytes
    mime: str

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the bytes."""
        return sha256(self.data).digest()


def sound() -> bytes:
    """A second of a tone, as WAV."""
    tone = (128 + round(90 * math.sin(math.tau * 440 * at / RATE)) for at in range(RATE))
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(RATE)
        file.writeframes(bytes(tone))
    return written.getvalue()


def picture() -> bytes:
    """A red disc on white, as PNG."""
    drawn = Image.new("RGB", (320, 240), "white")
    ImageDraw.Draw(drawn).ellipse((100, 60, 220, 180), fill="red")
    written = io.BytesIO()
    drawn.save(written, "PNG")
    return written.getvalue()


def document(words: str = WRITTEN) -> bytes:
    """A PDF of one page, on which the words are."""
    drawn = f"BT /F1 18 Tf 72 720 Td ({words}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    parts = ["%PDF-1.4\n", *(f"{n} 0 obj\n{one}\nendobj\n" for n, one in enumerate(objects, 1))]
    places = list(accumulate(map(len, parts)))
    rows = "".join(f"{place:010} 00000 n \n" for place in places[:-1])
    table = f"xref\n0 {len(parts)}\n0000000000 65535 f \n{rows}"
    end = f"trailer\n<< /Root 1 0 R /Size {len(parts)} >>\nstartxref\n{places[-1]}\n%%EOF\n"
    return "".join([*parts, table, end]).encode()


_SOUND: Final = File(sound(), "audio/wav")
_PICTURE: Final = File(picture(), "image/png")
OF_KIND: Final[Mapping[MessageKind, File]] = MappingProxyType(
    {
        MessageKind.VOICE: _SOUND,
        MessageKind.AUDIO: _SOUND,
        MessageKind.IMAGE: _PICTURE,
        MessageKind.STICKER: _PICTURE,
        MessageKind.DOCUMENT: File(document(), "application/pdf"),
        MessageKind.VIDEO: File(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video/mp4"),
    }
)


def at_sandbox(webhook: Webhook, url: str) -> Webhook:
    """The webhook, leading to the files of the sandbox at `url` and to no others."""
    contents = list(_contents(webhook))
    if not contents:
        return webhook
    linked = _LINK.sub(url.encode() + _AT_SANDBOX, webhook.body)
    told = _summed(codec.loads(linked), OF_KIND[contents[0].kind].digest)
    return replace(webhook, body=codec.dumps(told))


async def place(webhooks: Iterable[Webhook], url: str) -> None:
    """Have the sandbox at `url` hold the files of all webhooks."""
    contents = (content for webhook in webhooks for content in _contents(webhook))
    named = {name_of(content.media): OF_KIND[content.kind] for content in contents if content.media}
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for name, file in named.items():
            group.create_task(_put(session, f"{url}/_sandbox/media/{name}", file))


async def _put(session: aiohttp.ClientSession, url: str, file: File) -> None:
    async with session.put(url, data=file.data, headers={"content-type": file.mime}) as answer:
        answer.raise_for_status()


def _contents(webhook: Webhook) -> Iterable[Content]:
    """What messages with files hold."""
    for item in script.items(webhook) if webhook.status == 200 else ():
        told = PROVIDERS[webhook.provider].parse(item.kind, item.fragment)
        if isinstance(told, Message) and told.content.media:
            yield told.content


def name_of(media: Media) -> str:
    """By what name the provider knows a file: what stands last in the reference."""
    return re.split(r"[/: =]", media.reference.partition("&")[0].partition("?signature")[0])[-1]


def _summed(told: object, digest: bytes) -> object:
    """What a webhook tells, with the sum of the file that there is."""
    match told:
        case dict():
            return {key: _sum(key, one, digest) for key, one in told.items()}
        case list():
            return [_summed(one, digest) for one in told]
        case _:
            return told


def _sum(key: str, told: object, digest: bytes) -> object:
    if key == "sha256":
        return b64encode(digest).decode()
    if key == "fileSha256":
        return {str(place): octet for place, octet in enumerate(digest)}
    return _summed(told, digest)
