"""Finds a team's own handlers: by the name of an entry point, or by dotted path."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from streams.decide.handlers import Chat, Effect, Handler, Received

GROUP: Final = "chatfold.handlers"

Function = Callable[[Chat, Received], Sequence[Effect] | None]


class UnknownHandler(Exception):
    """A handler that a tenant names cannot be loaded; the text says which and why."""


@dataclass(frozen=True, slots=True)
class FunctionHandler:
    """A function as a handler: it answers where it returns something other than None."""

    name: str
    function: Function

    def can_handle(self, chat: Chat, message: Received) -> bool:
        """Whether the function has anything to say."""
        return self.function(chat, message) is not None

    def handle(self, chat: Chat, message: Received) -> Sequence[Effect]:
        """What the function says."""
        return self.function(chat, message) or ()


def load(reference: str) -> Handler:
    """The handler that `reference` names: an entry point's name, or `package.module:thing`.

    The thing is a handler, a class that makes one without arguments, or a function of chat
    and message. Raises `UnknownHandler`.
    """
    thing = _thing(reference)
    if isinstance(thing, type):
        thing = thing()
    if isinstance(thing, Handler):
        return thing
    if callable(thing):
        return FunctionHandler(reference, thing)
    raise UnknownHandler(f"{reference}: neither a handler nor a function")


def _thing(reference: str) -> object:
    try:
        if ":" not in reference:
            (found,) = entry_points(group=GROUP, name=reference)
            return found.load()
        module, _, name = reference.partition(":")
        return getattr(import_module(module), name)
    except ValueError:
        raise UnknownHandler(f"{reference}: no entry point of that name in {GROUP}") from None
    except (ImportError, AttributeError) as error:
        raise UnknownHandler(f"{reference}: {error}") from None
