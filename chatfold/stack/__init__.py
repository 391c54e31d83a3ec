"""Real servers for a role: used where the settings name one, started where they do not."""

from chatfold.stack.errors import StackError
from chatfold.stack.server import OnProgress, ServerStatus
from chatfold.stack.stack import Stack

__all__ = ["OnProgress", "ServerStatus", "Stack", "StackError"]
