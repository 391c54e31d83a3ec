"""What a webhook body would become, told in plain values."""

from collections.abc import Mapping
from typing import assert_never, cast

from msgspec import to_builtins

from providers.protocol import (
    Deletion,
    Edit,
    Incoming,
    Item,
    Message,
    Notice,
    Provider,
    StatusReport,
    Unrecognised,
)
from schemas.content import Content
from schemas.value import Value

Row = dict[str, object]


def explain(provider: Provider, body: object) -> Row:
    """The items of `body` as the gateway and the decider would read them."""
    items = provider.split(body)
    accounts = {item.account for item in items}
    return {
        "provider": provider.name,
        "account": accounts.pop() if len(accounts) == 1 else None,
        "items": [_row(provider, item) for item in items],
    }


def _row(provider: Provider, item: Item) -> Row:
    said = provider.parse(item.kind, item.fragment)
    row: Row = {
        "kind": item.kind,
        "account": item.account,
        "chat": item.platform_user_id,
        "message_id": item.message_id,
        "message_kind": None,
        "direction": None,
        "text": None,
    }
    return row | _said(said)


def _said(said: Incoming) -> Row:
    match said:
        case Message():
            return _message(said)
        case Edit():
            return {"target": said.target, **_content(said.content)}
        case StatusReport() | Deletion() | Notice() | Unrecognised():
            return _there(_plain(said))
        case _:
            assert_never(said)


def _message(message: Message) -> Row:
    told = _there(_plain(message))
    del told["content"]
    direction = "out" if message.from_human or message.is_own else "in"
    return told | {"direction": direction} | _content(message.content)


def _content(content: Content) -> Row:
    told = _there(_plain(content))
    return {"message_kind": told.pop("kind"), "text": content.text, **told}


def _plain(value: Value) -> dict[str, object]:
    return cast(dict[str, object], to_builtins(value))


def _there(told: Mapping[str, object]) -> Row:
    return {
        name: _there(value) if isinstance(value, dict) and name in {"person", "media"} else value
        for name, value in told.items()
        if value is not None
    }
