"""`model_calls`: every attempt at a job that has asked models, and what that took."""

from typing import Final

from projections.rows import Columns, Write, count, text
from projections.rules import Writes, on
from schemas import facts
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE: Final = "model_calls"


def _called(recorded: Recorded[Fact], fact: facts.ModelCalled) -> Writes:
    usage = fact.usage
    columns: Columns = {
        "chat_id": recorded.chat_id,
        "tenant_id": recorded.tenant,
        "kind": fact.kind,
        "model": text(usage.model),
        "seconds": usage.seconds,
        "tokens_in": count(usage.tokens_in),
        "tokens_out": count(usage.tokens_out),
        "cost_micros": count(usage.cost_micros),
        "reused": usage.reused,
        "called_at": recorded.time,
    }
    return (Write(TABLE, (fact.job_id, fact.attempt), recorded.sequence, columns, {}),)


RULES: Final = (on(facts.ModelCalled, _called),)
