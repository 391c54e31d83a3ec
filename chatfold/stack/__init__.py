"""Real servers for a role: used where the settings name one, started where they do not."""

from chatfold.stack.errors import StackError
from chatfold.stack.server import ServerStatus
from chatfold.stack.stack import Stack

__all__ = ["ServerStatus", "Stack", "StackError"]
