"""What the operators' commands refuse before they ask any server."""

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from chatfold import clock
from chatfold.cli import acting, choosing
from chatfold.cli.everything import app
from chatfold.refusal import Refusal

CHAT = "11111111-1111-5111-8111-111111111111"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["chats", "send", CHAT], "give either a text or --file"),
        (["chats", "send", CHAT, "a", "--file", "b"], "give either a text or --file"),
        (["chats", "send", CHAT, " "], "the text is empty"),
        (["chats", "pause", "nobody"], "neither a chat's id nor TENANT/PLATFORM/USER"),
        (["deliveries", "show", "5"], "'5' is not the id of a reply"),
        (["deliveries", "retry", "5"], "'5' is not the id of a reply"),
        (["deliveries", "retry", CHAT, "--dry-run"], "give either the id of a reply, or options"),
        (["deliveries", "retry", CHAT, "--tenant", "a"], "give either the id of a reply"),
        (["deliveries", "retry", CHAT, "--status", "failed"], "give either the id of a reply"),
        (["deliveries", "list", "--since", "yesterday"], "'yesterday' is no time"),
        (["deliveries", "list", "--cursor", "x"], "--cursor: not a cursor"),
        (["jobs", "show", "5"], "'5' is not the id of a job"),
        (["jobs", "retry", CHAT, "--dry-run"], "give either the id of a job, or options"),
        (["jobs", "retry", CHAT, "--kind", "store"], "give either the id of a job, or options"),
        (["jobs", "list", "--cursor", "x"], "--cursor: not a cursor"),
        (["search", " "], "give words to look for"),
        (["search", "a", "--chat", "nobody"], "neither a chat's id nor TENANT/PLATFORM/USER"),
    ],
)
def test_a_mistake_is_told_with_exit_code_2(words, told):
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert told in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("text", "ago"),
    [("90m", timedelta(minutes=90)), ("2h", timedelta(hours=2)), ("3d", timedelta(days=3))],
)
def test_a_time_may_be_told_as_how_long_ago(text, ago):
    before = clock.now()
    moment = choosing.moment(text)
    assert before - ago <= moment <= clock.now() - ago


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-05", datetime(2026, 1, 5, tzinfo=UTC)),
        ("2026-01-05T20:00", datetime(2026, 1, 5, 20, tzinfo=UTC)),
        ("2026-01-05T20:00+01:00", datetime(2026, 1, 5, 19, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_zone_is_utc(text, moment):
    assert choosing.moment(text) == moment


@pytest.mark.parametrize("text", ["999999d", "0001-01-01T00:00+01:00", "9999999m"])
def test_a_time_out_of_all_bounds_is_refused(text):
    with pytest.raises(Refusal, match="is no time"):
        choosing.moment(text)


def test_the_asker_is_the_systems_user(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    assert acting.asker().by == "cli:ada"


def test_a_user_without_a_name_is_told_by_number(monkeypatch):
    def nameless() -> str:
        raise KeyError("no entry")

    monkeypatch.setattr(acting.getpass, "getuser", nameless)
    assert acting.asker().by.startswith("cli:uid-")
