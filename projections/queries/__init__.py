"""What readers ask the tables; each runs in a transaction whose search_path is the schema."""

from typing import TYPE_CHECKING

from projections.queries.asking import Found, Place
from projections.queries.chats import (
    chat,
    chats,
    conversations,
    messages,
    page_of_chats,
    paused_chats,
)
from projections.queries.deliveries import Wanted, deliveries, delivery
from projections.queries.files import file
from projections.queries.jobs import WantedJobs, job, jobs
from projections.queries.search import LONGEST as LONGEST_SEARCH
from projections.queries.search import Sought, search

if TYPE_CHECKING:
    from projections.queries.asking import Connection as Connection

__all__ = [
    "LONGEST_SEARCH",
    "Found",
    "Place",
    "Sought",
    "Wanted",
    "WantedJobs",
    "chat",
    "chats",
    "conversations",
    "deliveries",
    "delivery",
    "file",
    "job",
    "jobs",
    "messages",
    "page_of_chats",
    "paused_chats",
    "search",
]
