"""A stand-in for the outside world, for demo and tests; no product code imports it."""

from chatfold.sandbox.faults import Fault, FaultKind, Match
from chatfold.sandbox.journal import Journal, Received
from chatfold.sandbox.server import Sandbox, base_urls, running
from chatfold.sandbox.statuses import StatusSender

__all__ = [
    "Fault",
    "FaultKind",
    "Journal",
    "Match",
    "Received",
    "Sandbox",
    "StatusSender",
    "base_urls",
    "running",
]
