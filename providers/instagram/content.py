"""What an Instagram message holds."""

from typing import Final

from providers import wording
from providers.instagram import links
from providers.instagram.fields import FILES, SHARE_IDS, SHARES
from providers.reading import clean, detail, identifier, items, mapping, text
from schemas.content import Content, Json, Media, MessageKind

_HEART: Final = "\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}"
_ENVELOPE: Final = frozenset({"mid", "is_echo", "app_id", "metadata", "reply_to"})


def content_of(message: Json) -> Content:
    """The content of a message with at most one attachment."""
    attachment = next(iter(items(message.get("attachments"))), None)
    said = text(message.get("text"))
    if message.get("is_unsupported") is True:
        return _unsupported(message, said)
    quick_reply = mapping(message.get("quick_reply"))
    if quick_reply:
        chosen = text(quick_reply.get("payload"))
        return wording.choice("quick_reply", chosen=chosen, title=said)
    if attachment is not None:
        return _attached(mapping(attachment), message, said)
    if isinstance(message.get("text"), str):
        return _text(message)
    return _unsupported(message, said)


def pressed(postback: Json) -> Content:
    """The content of a pressed button or an ice breaker."""
    chosen, title = text(postback.get("payload")), text(postback.get("title"))
    return wording.choice("postback", chosen=chosen, title=title)


def edited(edit: Json) -> Content | None:
    """What an edited message says now: only texts can be edited."""
    words = edit.get("text")
    return Content(kind=MessageKind.TEXT, text=clean(words)) if isinstance(words, str) else None


def reacted(reaction: Json, target: str) -> Content:
    """A reaction, or one taken back; where Meta gives no emoji, its word for it."""
    if reaction.get("action") == "unreact":
        return wording.reaction("", target)
    word = text(reaction.get("reaction")) or "other"
    return wording.reaction(text(reaction.get("emoji")) or f":{word}:", target)


def _text(message: Json) -> Content:
    words = message["text"]
    story = identifier(mapping(mapping(message.get("reply_to")).get("story")).get("id"))
    structured: Json | None = {"type": "story_reply", "story_id": story} if story else None
    return Content(
        kind=MessageKind.TEXT,
        text=clean(words) if isinstance(words, str) else None,
        structured=structured,
    )


def _attached(attachment: Json, message: Json, said: str | None) -> Content:
    word = text(attachment.get("type")) or "none"
    payload = mapping(attachment.get("payload"))
    url = text(payload.get("url"))
    if word == "like_heart":
        return Content(kind=MessageKind.STICKER, text=_HEART)
    if word in FILES and url:
        return Content(kind=FILES[word], media=Media(reference=url), caption=said)
    if word in SHARES and url:
        return _shared(word, payload, url, said)
    if word == "fallback" and (said or url):
        title = text(payload.get("title")) or text(attachment.get("title"))
        return Content(kind=MessageKind.TEXT, text=said or _lines(title, url))
    told = mapping(links.without_signatures(attachment))
    words = said or _lines(*_titles(payload))
    return wording.unsupported(word, detail(told or message), text=words)


def _shared(word: str, payload: Json, url: str, said: str | None) -> Content:
    """A post, a reel or a story: its file where Meta gives one, otherwise the way to it."""
    title = text(payload.get("title"))
    named = next(filter(None, (identifier(payload.get(name)) for name in SHARE_IDS)), None)
    structured = wording.present(type=word, id=named, title=title)
    words = _lines(said, title)
    if links.is_permalink(url):
        words = _lines(said, title, url)
        return Content(kind=MessageKind.TEXT, text=words, structured=structured)
    media = Media(reference=url)
    return Content(kind=SHARES[word], media=media, caption=words, structured=structured)


def _titles(payload: Json) -> list[str | None]:
    """The titles of the cards in a template."""
    holders = (payload, mapping(payload.get("generic")), mapping(payload.get("product")))
    cards = [mapping(card) for holder in holders for card in items(holder.get("elements"))]
    return [text(payload.get("text")), *(text(card.get("title")) for card in cards)]


def _unsupported(message: Json, said: str | None) -> Content:
    attachment = mapping(next(iter(items(message.get("attachments"))), None))
    word = text(attachment.get("type"))
    if message.get("is_unsupported") is True:
        word = word or "unsupported"
    told = {key: one for key, one in message.items() if key not in _ENVELOPE}
    kept = mapping(links.without_signatures(told))
    return wording.unsupported(word or "none", detail(kept), text=said)


def _lines(*parts: str | None) -> str | None:
    return "\n".join(filter(None, parts)) or None
