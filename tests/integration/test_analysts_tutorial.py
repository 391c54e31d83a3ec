"""The tutorial for analysts, as somebody would follow it: every command, every edit, in order."""

import asyncio
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chatfold import clock, database, own_projections
from chatfold.cli.everything import app
from chatfold.settings import Settings
from tests.support import kafka, projecting, scaffolded, webhooks
from tests.support.inbox import Inbox
from tests.support.servers import ROOT, environment

TEXT = (ROOT / "docs" / "tutorial" / "analysts.md").read_text()
SAID = ("hello!", "how are you?", "anybody there?!", "is that so?", "bye!")
DIFFERENT = 1


def blocks() -> Iterator[tuple[str, str]]:
    """What the reader is to type, by kind, from top to bottom."""
    found = re.finditer(
        r"^```(sh|python edit|python|sql)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL
    )
    return ((one[1], one[2]) for one in found)


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
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)


@dataclass
class Reader:
    """Somebody at a terminal, in a folder of their own."""

    settings: Settings
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    told: list[str] = field(default_factory=list)
    counted: list[int] = field(default_factory=list)

    async def follow(self, kind: str, text: str) -> None:
        """Do what a block says."""
        match kind:
            case "sh":
                for line in text.splitlines():
                    await self._run(line)
            case "python":
                (self.folder / "louder.py").write_text(text)
            case "python edit":
                self._edit(text)
            case "sql":
                await self._project()
                self.counted.append(await self.count(text))

    async def _run(self, command: str) -> None:
        name, *words = shlex.split(command)
        assert name == "chatfold"
        code, output = await asyncio.to_thread(self._typed, words)
        differs = words[:2] == ["projections", "diff"]
        assert code == (DIFFERENT if differs else 0), f"{command}: {output}"
        self.told.append(output)
        if words[:2] == ["projections", "new"]:
            self.told.append(scaffolded.run_tests(self.folder / words[2]).stdout)

    def _typed(self, words: list[str]) -> tuple[int, str]:
        """Exit code and output; a rebuild needs a process of its own, for its signals."""
        told = environment(self.settings) | {"COLUMNS": "200"}
        if words[:2] != ["projections", "rebuild"]:
            result = CliRunner().invoke(app, words, env=told)
            return result.exit_code, result.output
        done = subprocess.run(
            [sys.executable, "-m", "chatfold", *words],
            env={**os.environ, **told, "PYTHONPATH": str(self.folder / "questions")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def _edit(self, text: str) -> None:
        """Change the line that counts; rows that are there already are of an older version."""
        package = self.folder / "questions"
        code = package / "questions" / "__init__.py"
        begun = code.read_text()
        (line,) = [one for one in begun.splitlines() if one.startswith("    if isinstance(fact")]
        version = len(self.counted) + 1
        edited = begun.replace(line + "\n", text)
        code.write_text(edited.replace("VERSION = 1", f"VERSION = {version}"))
        sys.modules.pop("questions", None)

    async def _project(self) -> None:
        """Install the package, and let the projector run until it has read everything."""
        package = self.folder / "questions"
        scaffolded.install(package)
        self.monkeypatch.syspath_prepend(str(package))
        (questions,) = own_projections.found("*")
        async with projecting.consuming(self.settings, questions):
            await projecting.caught_up(self.settings, projection=questions)

    async def count(self, query: str) -> int:
        """The sum of what the query finds."""
        connection = await database.connect(self.settings.database)
        try:
            await connection.execute(f"SET search_path TO {self.settings.database_schema}")
            return sum(row["messages"] for row in await connection.fetch(query))
        finally:
            await connection.close()


async def test_the_tutorial_can_be_followed(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    await prepared(settings)
    reader = Reader(settings, tmp_path, monkeypatch)
    for kind, text in blocks():
        await reader.follow(kind, text)
    told = "".join(reader.told)
    assert "3 of 5 messages would be answered differently" in told
    assert "HELLO!" in (tmp_path / "report.html").read_text()
    (query,) = [text for kind, text in blocks() if kind == "sql"]
    assert (reader.counted, await reader.count(query)) == ([2], 3)
    assert "MessageReceived.v1" in told
    assert "4 passed" in told
    assert "nothing waits" in told
