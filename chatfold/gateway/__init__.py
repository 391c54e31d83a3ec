"""The edge that providers post to: verified, split, in the log, and only then answered 200."""

from chatfold.gateway.app import Gateway
from chatfold.gateway.webhooks import Limits

__all__ = ["Gateway", "Limits"]
