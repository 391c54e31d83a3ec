"""What is left of a message where only words can be sent."""

from providers.failures import FailureCode, SendFailure
from providers.reading import items, mapping, text
from providers.sendable import FILES
from schemas.content import Content, Json, MessageKind


def words_of(content: Content) -> str | None:
    """The words that say what `content` says; None where words cannot."""
    told = mapping(content.structured)
    match content.kind:
        case MessageKind.LOCATION:
            return _lines(content.text, text(told.get("map_url")))
        case MessageKind.CONTACT:
            return _lines(*(_card(mapping(one)) for one in items(told.get("contacts"))))
        case MessageKind.REACTION:
            return None
        case kind if kind in FILES:
            return _lines(content.caption)
        case _:
            return _lines(content.text)


def objection(words: str | None, limit: int) -> SendFailure | None:
    """The refusal of what has no words, or too many."""
    if words is None:
        detail = "only words can be sent here, and the message has none"
    elif len(words) > limit:
        detail = f"the text is {len(words)} long; at most {limit} is taken"
    else:
        return None
    return SendFailure(code=FailureCode.CONTENT_REFUSED, http_status=None, detail=detail)


def _card(card: Json) -> str | None:
    phones = (text(mapping(one).get("phone")) for one in items(card.get("phones")))
    said = [text(card.get("name")), *phones]
    return " ".join(filter(None, said)) or None


def _lines(*parts: str | None) -> str | None:
    said = "\n".join(part for part in parts if part and part.strip())
    return said.encode("utf-8", "replace").decode() or None
