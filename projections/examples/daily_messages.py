"""How many messages of each kind a tenant received and sent, day by day (UTC)."""

from collections.abc import Iterable
from datetime import UTC
from typing import Final

from projections.rows import Write, add
from projections.tables import Table
from schemas.content import Content, Origin
from schemas.envelope import Recorded
from schemas.facts import Fact, MessageReceived, ReplyGenerated

NAME: Final = "daily_messages"
VERSION: Final = 1
HANDLES: Final = frozenset[type]({MessageReceived, ReplyGenerated})

SQL: Final = """
CREATE TABLE IF NOT EXISTS daily_messages (
    tenant_id text NOT NULL,
    day date NOT NULL,
    kind text NOT NULL,
    received bigint NOT NULL DEFAULT 0,
    sent bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, day, kind)
) WITH (fillfactor = 70);
"""

TABLES: Final = (
    Table(
        name="daily_messages",
        key={"tenant_id": "text", "day": "date", "kind": "text"},
        columns={"received": "bigint", "sent": "bigint"},
        has_totals=True,
    ),
)


def apply(recorded: Recorded[Fact]) -> Iterable[Write]:
    """One more received, or one more that we or the business wrote."""
    match recorded.data:
        case MessageReceived(origin=Origin.USER) as fact:
            yield add("daily_messages", _row(recorded, fact.content), received=1)
        case MessageReceived() | ReplyGenerated() as fact:
            yield add("daily_messages", _row(recorded, fact.content), sent=1)
        case _:
            pass  # the projector gives us what is in HANDLES


def _row(recorded: Recorded[Fact], content: Content) -> tuple[str, str, str]:
    return recorded.tenant, recorded.time.astimezone(UTC).date().isoformat(), content.kind.value
