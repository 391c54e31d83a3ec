"""`job_failures`: every attempt at a job that came to nothing, and why."""

from typing import Final

from projections.rows import Columns, Write, text
from projections.rules import Writes, on
from schemas import facts
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE: Final = "job_failures"


def _failed(recorded: Recorded[Fact], fact: facts.JobFailed) -> Writes:
    columns: Columns = {
        "chat_id": recorded.chat_id,
        "tenant_id": recorded.tenant,
        "error_code": text(fact.error_code),
        "error_message": text(fact.error_message),
        "retryable": fact.retryable,
        "started_at": fact.started_at,
        "finished_at": fact.finished_at,
    }
    return (Write(TABLE, (fact.job_id, fact.attempt), recorded.sequence, columns, {}),)


RULES: Final = (on(facts.JobFailed, _failed),)
