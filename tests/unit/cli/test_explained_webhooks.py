"""Every shared webhook, explained as a person would: the tables are in `tests/fixtures/explained`.

A line is an item: file, kind, chat, kind of message, direction, words, and what else there is
to say: a status, a notice, a caption. A person has read each line beside its file. In a file
with many items, those that differ in their words alone are one line with their number.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from chatfold.cli.explaining import explain
from providers.registry import PROVIDERS
from tests.support.fixtures import FOLDERS, PROJECT, WEBHOOKS, load, webhook_files

TABLES = PROJECT / "tests" / "fixtures" / "explained"
MANY = 12
LONGEST = 60
COLUMNS = ("kind", "chat", "message_kind", "direction", "text")
BESIDE = ("status", "notice", "caption", "reason")
NOTHING = "-"


def reviewed(provider: str) -> dict[str, list[str]]:
    """The lines of each file, as a person has read it."""
    found: dict[str, list[str]] = {}
    for line in (TABLES / f"{provider}.txt").read_text(encoding="utf-8").splitlines():
        name, _, row = line.partition(" | ")
        found.setdefault(name, []).append(row)
    return found


def explained(provider: str, path: Path) -> list[str]:
    """The lines of a file, as Chatfold explains it."""
    items = explain(PROVIDERS[provider], load(path))["items"]
    rows = [_row(item) for item in items]
    return [" | ".join(row) for row in (rows if len(rows) <= MANY else _counted(rows))]


def _row(item: Mapping[str, object]) -> list[str]:
    beside = next((item[name] for name in BESIDE if item.get(name)), None)
    return [*(_shown(item[column]) for column in COLUMNS), _shown(beside)]


def _counted(rows: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
    """Each row without its words, and how often it comes."""
    for row, count in Counter((*row[:-2], row[-1]) for row in rows).items():
        yield (*row, f"{count} of these")


def _shown(value: object) -> str:
    words = "" if value is None else str(value)
    words = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in words)
    if len(words) > LONGEST:
        return f"{words[:LONGEST]}… {len(words)} characters"
    return words or NOTHING


CASES = [(provider, path) for provider in FOLDERS for path in webhook_files(provider)]


def test_every_folder_is_a_providers_and_every_file_has_been_reviewed():
    folders = {path.name for path in WEBHOOKS.iterdir() if path.is_dir()}
    assert folders == set(FOLDERS.values())
    assert set(FOLDERS) == set(PROVIDERS)
    for provider in FOLDERS:
        assert list(reviewed(provider)) == [path.stem for path in webhook_files(provider)]


@pytest.mark.parametrize(("provider", "path"), CASES, ids=lambda one: getattr(one, "stem", one))
def test_a_webhook_is_explained_as_a_person_would(provider: str, path: Path):
    assert explained(provider, path) == reviewed(provider)[path.stem]
