"""Sets the demo's stage: servers, topics, tables, a tenant, the sandbox and every role."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from chatfold import clock, database, migrate, settings, topics
from chatfold.demo import script
from chatfold.eventlog import EventLog, KafkaUnreachable
from chatfold.refusal import Refusal
from chatfold.sandbox import base_urls
from chatfold.settings import Settings
from chatfold.stack import Stack
from chatfold.tenancy import record_of
from schemas.topics import Topics
from streams.topology import PORTS

READY_SECONDS: Final = 120.0
STOP_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 0.2  # every look costs both processes a millisecond while all of them start
LOG_TAIL: Final = 2000
COMMAND_SECONDS: Final = 90.0
SANDBOX_PORT: Final = 18090
_ANY: Final = 0  # the system names one that nobody else is given meanwhile
API_TOKEN: Final = "of-this-demo-only"  # noqa: S105  # it stands before the demo's own servers

Tell = Callable[[str], None]


@dataclass(slots=True)
class Child:
    """A process of the demo."""

    name: str
    port: int
    log: Path
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self, path: str) -> bool:
        """Whether it answers 200 at `path`; raises `Refusal` if it has ended."""
        if self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-LOG_TAIL:]
            raise Refusal(f"{self.name} ended at its start; its log {self.log} says:\n{tail}")
        try:
            with urllib.request.urlopen(self.url + path, timeout=2) as answer:  # noqa: S310  # ours
                return bool(answer.status == 200)
        except OSError:
            return False


@dataclass(slots=True)
class Stage:
    """What stands: settings that name only the demo's own things, and its processes.

    With `statuses` the sandbox tells the gateway how its messages fare. With `usual_ports` people
    find the processes where they expect them; without, several stages stand side by side.
    """

    settings: Settings
    stack: Stack
    statuses: bool = True
    usual_ports: bool = False
    sandbox: Child | None = None
    roles: dict[str, Child] = field(default_factory=dict)

    @property
    def gateway_url(self) -> str:
        """Where webhooks go."""
        return f"http://127.0.0.1:{self.settings.gateway_port}"

    @property
    def sandbox_url(self) -> str:
        """Where the stand-in for the providers answers."""
        assert self.sandbox is not None  # `set_up` starts it
        return self.sandbox.url


def of_its_own(chosen: Settings, now: datetime, *, usual_ports: bool = False) -> Settings:
    """The same servers, with topics, tables, keys, files and ports that only this demo uses."""
    stamp = f"{now:%Y%m%d%H%M%S}"
    home = chosen.home / "demo" / stamp
    return chosen.model_copy(
        update={
            "topic_prefix": f"demo-{stamp}",
            "database_schema": f"demo_{stamp}",
            "view_prefix": f"demo-{stamp}",
            "home": home,
            "media_url": str((home / "media").absolute()),
            "speech_model": None,
            "gateway_port": _free(chosen.gateway_port if usual_ports else _ANY),
            "api_port": _free(chosen.api_port if usual_ports else _ANY),
            "api_token": API_TOKEN,
        }
    )


async def set_up(stage: Stage, tell: Tell) -> None:
    """Bring everything up; raises `Refusal` with the way out."""
    tell("servers")
    await asyncio.to_thread(stage.stack.up)
    tell("topics and tables")
    await asyncio.gather(
        topics.apply(topics.plan(stage.settings)),
        migrate.migrate(stage.settings.database, stage.settings.database_schema),
    )
    tell("roles and sandbox")
    stage.sandbox = _start_sandbox(stage)
    stage.roles = {name: start_role(stage, name) for name in PORTS}
    await asyncio.gather(
        _apply_tenants(stage),
        _until(stage.sandbox, "/_sandbox/summary"),
        *(_until(child, "/readyz") for child in stage.roles.values()),
    )


async def tear_down(stage: Stage, *, stop_stack: bool) -> None:
    """Stop every process; drop the demo's topics and tables; stop the servers if asked."""
    children = [*stage.roles.values(), *([stage.sandbox] if stage.sandbox else [])]
    for child in children:
        child.process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(_reap, children)
    with suppress(OSError, Refusal, KafkaUnreachable):
        await topics.remove(stage.settings.bootstrap, stage.settings.topic_prefix)
        await _drop_schema(stage.settings)
    if stop_stack:
        await asyncio.to_thread(stage.stack.down)


def _reap(children: list[Child]) -> None:
    for child in children:
        try:
            child.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


async def _drop_schema(chosen: Settings) -> None:
    connection = await database.connect(chosen.database)
    try:
        schema = database.quoted(chosen.database_schema)
        await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    finally:
        await connection.close()


async def _apply_tenants(stage: Stage) -> None:
    urls = base_urls(stage.sandbox_url)
    tenants = script.tenant(urls), script.assisted_tenant(urls)
    log = EventLog(stage.settings.bootstrap, max_pending_bytes=1_000_000)
    await log.start()
    try:
        name = Topics(stage.settings.topic_prefix).tenants
        await log.append(name, [record_of(one, clock.now()) for one in tenants], 30)
    finally:
        await log.stop()


def _start_sandbox(stage: Stage) -> Child:
    port = _free(SANDBOX_PORT if stage.usual_ports else _ANY)
    arguments = ["sandbox", "--port", str(port)]
    if stage.statuses:
        arguments += ["--statuses-to", stage.gateway_url, "--signed-with", "CHATFOLD_DEMO_SECRET"]
    return _start(stage, "sandbox", port, arguments)


def start_role(stage: Stage, name: str) -> Child:
    """A role as a process; gateway and api at their addresses, the others at any free port."""
    addresses = {"gateway": stage.settings.gateway_port, "api": stage.settings.api_port}
    port = addresses.get(name) or _free(PORTS[name] if stage.usual_ports else _ANY)
    return _start(stage, name, port, ["run", name])


def _start(stage: Stage, name: str, port: int, arguments: list[str]) -> Child:
    logs = stage.settings.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603  # our own command line
            command(*arguments),
            env=environment(stage) | {"CHATFOLD_METRICS_PORT": str(port)},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    return Child(name, port, log, process)


def command(*arguments: str) -> list[str]:
    """The command line of chatfold itself."""
    return [sys.executable, "-m", "chatfold", *arguments]


async def output_of(stage: Stage, *arguments: str) -> bytes:
    """What a command of an operator's prints; what it complains of goes to the logs."""
    with (stage.settings.home / "logs" / "commands.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command(*arguments),
            env=environment(stage),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return b""
    return printed


def environment(stage: Stage) -> dict[str, str]:
    """The variables by which a process belongs to the demo."""
    return {**os.environ, **settings.environment(stage.settings), **script.SECRETS}


async def _until(child: Child, path: str) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while not await asyncio.to_thread(child.is_ready, path):  # noqa: ASYNC110  # a process
            await asyncio.sleep(LOOK_SECONDS)


def _free(wanted: int) -> int:
    """`wanted` if nobody listens there, else any free port."""
    for port in (wanted, _ANY):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise Refusal("no port is free on 127.0.0.1")
