"""The operators' HTTP API: deliveries and chats, looked at and acted upon."""

from chatfold.api.app import Api
from chatfold.api.health import readiness

__all__ = ["Api", "readiness"]
