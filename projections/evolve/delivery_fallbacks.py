"""`delivery_fallbacks`: from which attempt on a reply took another way than its chat's."""

from typing import Final

from projections.rows import Columns, Write, identifier, text
from projections.rules import Writes, on
from schemas import facts
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE: Final = "delivery_fallbacks"


def _chosen(recorded: Recorded[Fact], fact: facts.FallbackChosen) -> Writes:
    columns: Columns = {
        "chat_id": recorded.chat_id,
        "tenant_id": recorded.tenant,
        "number": fact.number,
        "channel": fact.platform,
        "provider": text(fact.provider),
        "account": text(fact.account),
        "recipient": identifier(fact.to),
        "chosen_at": recorded.time,
    }
    return (Write(TABLE, (fact.reply_id, fact.attempt), recorded.sequence, columns, {}),)


RULES: Final = (on(facts.FallbackChosen, _chosen),)
