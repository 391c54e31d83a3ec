"""What a query over an export or the tables tells, and what it refuses."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chatfold.cli.everything import app
from chatfold.settings import Settings
from schemas import codec
from tests.integration.test_old_messages import asked, filled
from tests.support import servers


async def query(settings: Settings, *words: str, code: int = 0) -> str:
    env = servers.environment(settings)
    done = await asyncio.to_thread(CliRunner().invoke, app, ["query", *words], env=env)
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr


async def test_tables_and_their_export_answer_alike(settings: Settings, tmp_path: Path) -> None:
    await filled(settings)
    place = str(tmp_path / "export")
    env = servers.environment(settings)
    words = ["export", "messages", "chats", "--to", place]
    done = await asyncio.to_thread(CliRunner().invoke, app, words, env=env)
    assert done.exit_code == 0, done.output
    sql = (
        "WITH said AS (SELECT * FROM messages) SELECT platform_user_id, count(*) AS said"
        " FROM said JOIN chats USING (chat_id) GROUP BY 1 ORDER BY 1"
    )
    told = await query(settings, sql, "--json")
    assert told == await query(settings, sql, "--over", place, "--json")
    assert sum(one["said"] for one in codec.loads(told.encode())) == len(
        await asked(settings, "SELECT message_id FROM messages")
    )


async def test_csv_has_a_head_and_a_line_for_each_row(settings: Settings) -> None:
    await filled(settings)
    lines = (await query(settings, "SELECT count(*) AS n FROM chats", "--csv")).split()
    ((count,),) = await asked(settings, "SELECT count(*) FROM chats")
    assert lines == ["n", str(count)]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT * FROM nothing", "There is no table 'nothing'"),
        ("SELECT * FROM events", "chatfold export events"),
        ("DELETE FROM messages", "only SELECT"),
        ("SELEC 1", "cannot be run"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_a_reason(
    settings: Settings, sql: str, reason: str
) -> None:
    assert reason.lower() in (await query(settings, sql, code=2)).lower()
