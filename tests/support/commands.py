"""Commands as a shell would run them, against the servers of a test."""

import asyncio
from typing import Any

from typer.testing import CliRunner

from chatfold.cli.everything import app
from chatfold.settings import Settings
from schemas import codec
from tests.support.servers import environment


async def run(settings: Settings, *words: str, code: int = 0) -> Any:
    """The JSON that a command prints; None if it prints nothing."""
    env = environment(settings) | {"COLUMNS": "200"}
    result = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--json"], env=env)
    assert result.exit_code == code, result.output
    return codec.loads(result.stdout.encode()) if result.stdout else None
