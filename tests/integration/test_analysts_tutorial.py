"""The tutorial for analysts, as somebody would follow it: every command, every edit."""

import asyncio
import re
import shlex
from datetime import timedelta
from pathlib import Path

from typer.testing import CliRunner

from chatfold import clock, database, own_projections
from chatfold.cli.everything import app
from chatfold.settings import Settings
from tests.support import kafka, projecting, scaffolded, webhooks
from tests.support.inbox import Inbox
from tests.support.servers import ROOT, environment

TEXT = (ROOT / "docs" / "tutorial" / "analysts.md").read_text()
SAID = ("hello!", "how are you?", "is anybody there?", "bye!")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


async def prepared(settings: Settings) -> None:
    """A deployment in which the echo has answered a person."""
    echo = kafka.TENANT.model_copy(update={"responder": "echo"})
    await kafka.prepare(settings, echo)
    events, decided = await projecting.prepare(settings), Inbox()
    for number, text in enumerate(SAID):
        at = clock.now() - timedelta(minutes=60 - number)
        message = webhooks.text(text, wamid=f"wamid.{number}", at=at)
        for one in webhooks.inputs(webhooks.body(message), at=at):
            await kafka.produce_inputs(settings, [one])
            decided.append(one)
    decided.drain()
    await kafka.produce(settings, events, decided.written("test.events.v1"))


async def run(settings: Settings, command: str) -> str:
    name, *words = shlex.split(command)
    assert name == "chatfold"
    env = environment(settings) | {"COLUMNS": "200"}
    result = await asyncio.to_thread(CliRunner().invoke, app, words, env=env)
    assert result.exit_code == 0, f"{command}: {result.output}"
    return result.output


async def test_the_tutorial_can_be_followed(
    settings: Settings, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    await prepared(settings)
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)
    (handler,), (edit,), (query,) = blocks("python"), blocks("python edit"), blocks("sql")
    (tmp_path / "louder.py").write_text(handler)
    told = {
        line: await run(settings, line) for block in blocks("sh") for line in block.splitlines()
    }
    assert "2 of 4 messages would be answered differently" in "".join(told.values())
    assert "HELLO!" in (tmp_path / "report.html").read_text()
    assert "nothing waits" in "".join(told.values())
    package = tmp_path / "questions"
    assert "4 passed" in scaffolded.run_tests(package).stdout
    code = package / "questions" / "__init__.py"
    begun = code.read_text()
    (line,) = [one for one in begun.splitlines() if one.startswith("    if isinstance(fact")]
    code.write_text(begun.replace(line + "\n", edit))
    scaffolded.install(package)
    monkeypatch.syspath_prepend(str(package))
    (questions,) = own_projections.found("*")
    async with projecting.consuming(settings, questions):
        await projecting.caught_up(settings, projection=questions)
    assert await answered(settings, query) == 2


async def answered(settings: Settings, query: str) -> int:
    connection = await database.connect(settings.database)
    try:
        await connection.execute(f"SET search_path TO {settings.database_schema}")
        return sum(row["messages"] for row in await connection.fetch(query))
    finally:
        await connection.close()
