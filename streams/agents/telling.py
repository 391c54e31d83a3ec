"""How every agent reports: one input to the chat that has given the order, in the order's name."""

from dataclasses import dataclass
from typing import Final

from schemas import envelope
from schemas.envelope import Recorded
from schemas.inputs import Input, JobReported, SendReported
from streams.patience import until_available
from streams.ports import Clock, Leaving, ResultLog

APPEND_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Appends reports to the inbox."""

    log: ResultLog
    inbox: str
    source: str
    now: Clock

    async def tell(
        self, order: Recorded[object], own_id: str, report: Input, leaving: Leaving
    ) -> None:
        """Return when the report is in the log; raises `Left`.

        What has ended is of the time at which it did: the same report has the same bytes.
        """
        ended_at = report.finished_at if isinstance(report, SendReported | JobReported) else None
        recorded = Recorded(
            id=own_id,
            time=ended_at or self.now(),
            source=self.source,
            tenant=order.tenant,
            chat_id=order.chat_id,
            causation_id=order.id,
            correlation_id=order.correlation_id,
            data=report,
            traceparent=order.traceparent,
        )
        record = envelope.encode(recorded)
        await until_available(
            lambda: self.log.append(self.inbox, [record], APPEND_SECONDS), leaving
        )
