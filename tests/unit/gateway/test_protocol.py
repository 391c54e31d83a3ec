"""One connection's trouble is nobody else's."""

import asyncio
from types import SimpleNamespace

from chatfold.gateway.outcomes import Outcome
from chatfold.gateway.protocol import Arrivals
from tests.support.edge import WHATSAPP, Edge, scope, signed, wa


class Connection:
    """Stands in for a connection that may fail to answer."""

    def __init__(self, *, is_broken: bool = False) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport = SimpleNamespace(abort=self.abort)
        self.is_broken = is_broken
        self.is_aborted = False
        self.outcomes: list[Outcome] = []

    def abort(self) -> None:
        self.is_aborted = True

    def finish(self, cycle, outcome: Outcome) -> None:
        if self.is_broken:
            raise RuntimeError("the connection is in no state to answer")
        self.outcomes.append(outcome)


def cycle(body: bytes):
    return SimpleNamespace(
        scope=scope(WHATSAPP, signed(body, "ACME"), "POST"), body=bytearray(body)
    )


async def test_an_answer_that_fails_costs_no_other_webhook_its_own():
    edge = Edge()
    arrivals = Arrivals(edge.webhooks)
    good, broken, refused = Connection(), Connection(is_broken=True), Connection()
    for connection, body in ((broken, wa("100")), (good, wa("100")), (refused, b"{")):
        arrivals.add(connection, cycle(body))
    assert good.outcomes == []
    await asyncio.sleep(0)
    assert (good.outcomes, refused.outcomes) == ([Outcome.ACCEPTED], [Outcome.NOT_JSON])
    assert broken.is_aborted
    assert not good.is_aborted


async def test_all_that_arrive_in_one_round_are_told_the_same_time():
    edge = Edge()
    arrivals = Arrivals(edge.webhooks)
    for _ in range(3):
        arrivals.add(Connection(), cycle(wa("100")))
    await asyncio.sleep(0)
    times = {dict(record.headers)["ce_time"] for record in edge.log.records}
    assert len(edge.log.records) == 3
    assert times == {b"2026-11-21T12:00:00+00:00"}
