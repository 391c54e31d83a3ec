"""What the operators' commands refuse before they ask any server."""

import pytest
from typer.testing import CliRunner

from chatfold.cli import acting
from chatfold.cli.everything import app

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
        (["deliveries", "list", "--since", "yesterday"], "'yesterday' is no time: write how long"),
        (["chats", "show", CHAT, "--as-of", "noon"], "'noon' is no time: write how long ago"),
        (["whatif", "--handler", "a:b", "--from", "noon"], "'noon' is no time: write how long ago"),
        (["export", "events", "--to", "x", "--until", "noon"], "'noon' is no time: write how long"),
        (["archive", "messages", "--older-than", "90"], "'90' is no time: write how long ago"),
        (["archive", "messages", "--older-than", "0d"], "--older-than 0d is not past: write how"),
        (["archive", "messages", "--older-than", "2999-01-01"], "is not past: write how long ago"),
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


def test_the_asker_is_the_systems_user(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    assert acting.asker().by == "cli:ada"


def test_a_user_without_a_name_is_told_by_number(monkeypatch):
    def nameless() -> str:
        raise KeyError("no entry")

    monkeypatch.setattr(acting.getpass, "getuser", nameless)
    assert acting.asker().by.startswith("cli:uid-")
