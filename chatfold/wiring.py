"""Which module puts together which role; only the one that runs is loaded, as a start costs CPU."""

import asyncio
from contextlib import AsyncExitStack
from importlib import import_module
from types import MappingProxyType
from typing import Final, Protocol, cast

from chatfold import standing
from chatfold.settings import Settings

ROLES: Final = MappingProxyType(
    {
        "gateway": "chatfold.roles.gateway",
        "decider": "chatfold.roles.decider",
        "delivery": "chatfold.roles.delivery",
        "reply": "chatfold.roles.reply",
        "media": "chatfold.roles.media",
        "projector": "chatfold.roles.projector",
        "views": "chatfold.roles.views",
        "archiver": "chatfold.roles.archiver",
        "api": "chatfold.roles.api",
    }
)


class Role(Protocol):
    """What a module of `chatfold.roles` offers."""

    async def run(self, settings: Settings, stop: asyncio.Event, stack: AsyncExitStack) -> None:
        """Be the role until `stop`; what it opens is closed with `stack`."""


async def run(role: str, settings: Settings, stop: asyncio.Event) -> None:
    """Be `role` until `stop`; raises `Refusal` if something it needs is not as it must be."""
    async with AsyncExitStack() as stack:
        await standing.verify_topics(settings)
        await loaded(role).run(settings, stop, stack)


def loaded(role: str) -> Role:
    """The module that builds `role`."""
    return cast(Role, import_module(ROLES[role]))
