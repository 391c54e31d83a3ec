"""How a test says what a person would expect of a webhook file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from providers.protocol import Item, Provider
from tests.support.fixtures import load


@dataclass(frozen=True)
class Expected:
    """One item: its kind, chat and id, and what `parse` says of it, by dotted name."""

    kind: str
    chat: str
    message_id: str | None = None
    account: str | None = None
    says: dict[str, object] = field(default_factory=dict)


def check(provider: Provider, path: Path, expected: list[Expected]) -> None:
    items = list(provider.split(load(path)))
    assert [item.kind.value for item in items] == [one.kind for one in expected]
    for item, one in zip(items, expected, strict=True):
        _check(provider, item, one)


def _check(provider: Provider, item: Item, expected: Expected) -> None:
    assert item.platform_user_id == expected.chat
    if expected.message_id is not None:
        assert item.message_id == expected.message_id
    if expected.account is not None:
        assert item.account == expected.account
    said = provider.parse(item.kind, item.fragment)
    for name, value in expected.says.items():
        assert _look_up(said, name) == value, name


def _look_up(said: Any, name: str) -> object:
    if name == "is":
        return type(said).__name__
    for part in name.split("."):
        said = (
            said[int(part) if part.isdigit() else part] if _is_json(said) else getattr(said, part)
        )
    return said


def _is_json(value: object) -> bool:
    return isinstance(value, dict | list)
