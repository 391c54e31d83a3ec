"""Our messages in the words of Whapi's API."""

import re
from typing import Final

from providers import sendable, wording
from providers.pieces import TextLimit
from providers.protocol import Outgoing
from providers.reading import items, mapping, text
from providers.whapi.cards import vcard
from providers.whapi.content import OF_MESSAGE
from schemas.content import Content, Json, Media, MessageKind

_TEXT_LIMIT: Final = 4096
TEXT_LIMIT: Final = TextLimit(_TEXT_LIMIT)
_CAPTION_LIMIT: Final = 1024
_PATH_PART: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_CAPTIONED: Final = frozenset({MessageKind.IMAGE, MessageKind.VIDEO, MessageKind.DOCUMENT})


def is_id(word: str | None) -> bool:
    """Whether `word` can be an id of Whapi's and stand in a path."""
    return word is not None and _PATH_PART.fullmatch(word) is not None


def objection(content: Content) -> str | None:
    """Why Whapi would not take `content`, None if it would."""
    target = text(mapping(content.structured).get("target"))
    if content.kind is MessageKind.REACTION and not is_id(target):
        return "the reaction has no target that Whapi knows"
    if content.media is not None and content.media.reference.startswith(OF_MESSAGE):
        return "the file is still in a message; it has no id to send it by"
    return sendable.objection(content, text_limit=_TEXT_LIMIT, caption_limit=_CAPTION_LIMIT)


def request_of(message: Outgoing) -> tuple[str, str, Json]:
    """Method, path and body that send a message to which there is no objection."""
    content, told = message.content, mapping(message.content.structured)
    if content.kind is MessageKind.REACTION:
        emoji = text(told.get("emoji"))
        path = f"/messages/{told['target']}/reaction"
        return ("PUT", path, {"emoji": emoji}) if emoji else ("DELETE", path, {})
    word, parts = _said(content)
    quoted = message.reply_to if is_id(message.reply_to) else None
    body = {"to": message.to.removeprefix("+"), **parts, **wording.present(quoted=quoted)}
    return "POST", f"/messages/{word}", body


def _said(content: Content) -> tuple[str, Json]:
    told = mapping(content.structured)
    if content.kind in sendable.FILES and content.media is not None:
        return content.kind.value, _file(content, content.media)
    match content.kind:
        case MessageKind.LOCATION:
            named = {key: told.get(key) for key in ("name", "address")}
            place = {key: told[key] for key in ("latitude", "longitude")}
            return "location", {**place, **wording.present(**named)}
        case MessageKind.CONTACT:
            return _contacts([mapping(one) for one in items(told.get("contacts"))])
        case _:
            return "text", {"body": content.text, "no_link_preview": True}


def _file(content: Content, media: Media) -> Json:
    is_document = content.kind is MessageKind.DOCUMENT
    return wording.present(
        media=media.reference,
        mime_type=media.mime,
        caption=content.caption if content.kind in _CAPTIONED else None,
        filename=media.file_name if is_document else None,
    )


def _contacts(cards: list[Json]) -> tuple[str, Json]:
    listed = [{"name": card["name"], "vcard": vcard(card)} for card in cards]
    if len(listed) == 1:
        return "contact", dict(listed[0])
    return "contact_list", {"list": listed}
