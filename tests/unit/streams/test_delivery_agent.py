"""What the delivery agent does with an order, whatever its surroundings do."""

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec
import pytest
from prometheus_client import REGISTRY

from providers.channels import CHANNELS
from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.protocol import Accepted
from providers.sending import MailAnswer
from schemas import codec, identity
from schemas.content import SendOutcome
from schemas.envelope import Recorded
from schemas.inputs import SendReported
from schemas.work import AnswerQuestion, Question
from streams.agents.breaker import IN_A_ROW
from streams.agents.delivery import Delivery, World
from streams.ports import UNLIMITED, Crowded, Leaving, Limiter, NotConnected, Turn, Unanswered
from streams.window import Left
from tests.support import agents
from tests.support.ports import (
    Away,
    MemoryAccounts,
    MemoryLedger,
    MemoryLog,
    ScriptedHttp,
    ScriptedMail,
    Ticking,
)

ACCEPTED = Accepted(platform_message_id="wamid.1", http_status=200)
ORDER = agents.order(1, 0)
EFFECT = f"{ORDER.data.reply_id}:1"
INBOX = "inbox"


@dataclass
class Desk:
    """The agent with its surroundings in memory."""

    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    http: ScriptedHttp = field(default_factory=lambda: ScriptedHttp([ACCEPTED]))
    mail: ScriptedMail = field(default_factory=ScriptedMail)
    log: MemoryLog = field(default_factory=MemoryLog)
    accounts: MemoryAccounts = field(
        default_factory=lambda: MemoryAccounts({"access_token": "s3cr3t"})
    )
    limiter: Limiter = UNLIMITED
    leaving: Leaving = field(default_factory=Leaving)
    reached: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.agent = Delivery(
            World(
                channels=CHANNELS,
                accounts=self.accounts,
                ledger=self.ledger,
                http=self.http,
                mail=self.mail,
                log=self.log,
                inbox=INBOX,
                now=Ticking(),
                reach=self.reached.append,
                limiter=self.limiter,
            )
        )

    async def handle(self, order: Recorded = ORDER) -> list[SendReported]:
        await self.agent.handle(order, self.leaving)
        return self.reports

    @property
    def reports(self) -> list[SendReported]:
        return [one.data for one in self.log.inputs(INBOX)]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.patience.FIRST_PAUSE", 0.001)


async def test_a_reply_is_claimed_sent_noted_and_reported_in_that_order() -> None:
    desk = Desk()
    [report] = await desk.handle()
    assert report.outcome is SendOutcome.SENT
    assert report.platform_message_id == "wamid.1"
    assert report.finished_at - report.started_at == timedelta(seconds=1)
    assert codec.decode(SendReported, desk.ledger.effects[EFFECT][1]) == report
    assert [point.removeprefix("delivery.") for point in desk.reached] == [
        "before_claim",
        "after_claim",
        "after_answer",
        "before_report",
        "after_report",
    ]


async def test_the_report_carries_on_the_chain_of_its_order() -> None:
    desk = Desk()
    await desk.handle()
    [recorded] = desk.log.inputs(INBOX)
    assert recorded.id == identity.report_id(reply_id=ORDER.data.reply_id, attempt=1)
    assert recorded.causation_id == ORDER.id
    assert recorded.correlation_id == ORDER.correlation_id
    assert (recorded.tenant, recorded.chat_id) == (ORDER.tenant, ORDER.chat_id)
    assert recorded.time == recorded.data.finished_at
    assert recorded.source == "/chatfold/agent/delivery"
    assert desk.log.topics[INBOX][0].key == ORDER.chat_id.encode()


async def test_an_order_that_comes_again_is_reported_again_with_the_same_bytes() -> None:
    desk = Desk()
    await desk.handle()
    await desk.handle()
    first, second = desk.log.topics[INBOX]
    assert first == second
    assert desk.http.calls == 1


async def test_what_another_run_began_is_never_sent_and_reported_as_unknown() -> None:
    desk = Desk(ledger=MemoryLedger(effects={EFFECT: ("dead run", None)}))
    before = _counted("interrupted")
    [report] = await desk.handle()
    assert _counted("interrupted") == before + 1
    assert (report.outcome, report.error_code) == (SendOutcome.SAVED_ONLY, "interrupted")
    assert desk.http.calls == 0
    assert desk.ledger.effects[EFFECT][1] is not None


async def test_what_ended_elsewhere_meanwhile_is_reported_as_it_was_noted_there() -> None:
    desk = Desk()
    desk.http.held.clear()
    handling = asyncio.create_task(desk.handle())
    await _until(lambda: desk.http.calls)
    other = Desk(ledger=replace(desk.ledger, run="run 2", handed_out=set()))
    [unknown] = await other.handle()
    desk.http.held.set()
    assert await handling == [unknown]
    assert unknown.outcome is SendOutcome.SAVED_ONLY


async def test_after_a_freeze_that_outlived_the_claim_nothing_is_sent() -> None:
    desk = Desk(ledger=MemoryLedger(claimed_ago=60))
    claim = desk.ledger.claim

    async def claimed_and_then_reported_by_another(effect_id: str):
        given = await claim(effect_id)
        noted = codec.dumps(SAVED_ONLY)
        desk.ledger.effects[effect_id] = (desk.ledger.run, noted)
        return given

    desk.ledger.claim = claimed_and_then_reported_by_another
    assert await desk.handle() == [SAVED_ONLY]
    assert desk.http.calls == 0


SAVED_ONLY = SendReported(
    reply_id=ORDER.data.reply_id,
    attempt=1,
    outcome=SendOutcome.SAVED_ONLY,
    started_at=agents.AT,
    finished_at=agents.AT,
    error_code="interrupted",
)


async def test_after_a_freeze_that_nobody_noticed_the_reply_is_sent() -> None:
    desk = Desk(ledger=MemoryLedger(claimed_ago=60))
    [report] = await desk.handle()
    assert report.outcome is SendOutcome.SENT


async def test_the_same_order_twice_at_once_is_sent_once_and_reported() -> None:
    desk = Desk()
    desk.http.held.clear()
    both = [asyncio.create_task(desk.handle()) for _ in range(2)]
    await _until(lambda: desk.http.calls)
    desk.http.held.set()
    await asyncio.gather(*both)
    assert desk.http.calls == 1
    assert len(desk.reports) == 1


async def test_who_joined_a_send_that_was_cancelled_finds_it_unknown() -> None:
    desk = Desk()
    desk.http.held.clear()
    first = asyncio.create_task(desk.handle())
    await _until(lambda: desk.http.calls)
    second = asyncio.create_task(desk.handle())
    await asyncio.sleep(0)
    first.cancel()
    [report] = await second
    assert report.error_code == "interrupted"
    assert desk.http.calls == 1


async def test_nothing_is_sent_until_the_ledger_is_there_to_claim() -> None:
    desk = Desk(ledger=MemoryLedger(away=Away(5)))
    [report] = await desk.handle()
    assert report.outcome is SendOutcome.SENT
    assert desk.ledger.away.calls == 0


async def test_a_result_that_cannot_be_noted_or_reported_yet_is_kept_until_it_can() -> None:
    desk = Desk(ledger=MemoryLedger(finish_away=Away(3)), log=MemoryLog(away=Away(3)))
    [report] = await desk.handle()
    assert report.outcome is SendOutcome.SENT
    assert desk.http.calls == 1


async def test_told_to_leave_before_the_claim_it_leaves_without_a_trace() -> None:
    desk = Desk(ledger=MemoryLedger(away=Away(1000)))
    desk.leaving.set()
    with pytest.raises(Left):
        await desk.handle()
    assert not desk.ledger.effects
    assert not desk.http.calls


async def test_told_to_leave_between_claim_and_call_it_gives_the_claim_back() -> None:
    desk = Desk(ledger=MemoryLedger(claimed_ago=60))
    claim = desk.ledger.claim

    async def then_away(effect_id: str):
        given = await claim(effect_id)
        desk.ledger.away.calls = 1000
        desk.leaving.set()
        return given

    desk.ledger.claim = then_away
    with pytest.raises(Left):
        await desk.handle()
    assert not desk.ledger.effects
    assert not desk.http.calls


async def test_told_to_leave_after_the_call_the_truth_reaches_the_log_without_the_ledger() -> None:
    desk = Desk(ledger=MemoryLedger(finish_away=Away(1000)))
    desk.leaving.set()
    [report] = await desk.handle()
    assert report.outcome is SendOutcome.SENT


async def test_told_to_leave_while_the_log_is_away_the_ledger_keeps_the_truth() -> None:
    desk = Desk(log=MemoryLog(away=Away(1000)))
    desk.leaving.set()
    with pytest.raises(Left):
        await desk.handle()
    assert desk.ledger.effects[EFFECT][1] is not None


async def test_cancelled_in_the_call_it_leaves_the_outcome_open() -> None:
    desk = Desk()
    desk.http.held.clear()
    handling = asyncio.create_task(desk.handle())
    await _until(lambda: desk.http.calls)
    handling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await handling
    assert desk.ledger.effects[EFFECT] == ("run 1", None)
    assert not desk.reports
    assert not desk.agent._in_flight


@pytest.mark.parametrize(
    ("answer", "outcome", "code", "retryable"),
    [
        (
            SendFailure(code=FailureCode.THROTTLED, http_status=429, detail="slow down"),
            SendOutcome.FAILED,
            "throttled",
            True,
        ),
        (
            SendFailure(code=FailureCode.OUTSIDE_WINDOW, http_status=400, detail="too late"),
            SendOutcome.FAILED,
            "outside_window",
            False,
        ),
        (
            Unconfirmed(reason=Unknown.SERVER_ERROR, http_status=502, detail="HTTP 502"),
            SendOutcome.SAVED_ONLY,
            "server_error",
            False,
        ),
        (NotConnected("refused"), SendOutcome.FAILED, "provider_down", True),
        (Unanswered(Unknown.TIMEOUT, "15 s"), SendOutcome.SAVED_ONLY, "timeout", False),
        (
            Unanswered(Unknown.CONNECTION_LOST, "reset"),
            SendOutcome.SAVED_ONLY,
            "connection_lost",
            False,
        ),
        (KeyError("a bug"), SendOutcome.SAVED_ONLY, "malformed_answer", False),
    ],
)
async def test_every_end_of_a_call_has_its_outcome(
    answer: object, outcome: SendOutcome, code: str, *, retryable: bool
) -> None:
    desk = Desk(http=ScriptedHttp([answer]))
    [report] = await desk.handle()
    assert (report.outcome, report.error_code, report.retryable) == (outcome, code, retryable)
    assert report.error_message


async def test_a_report_holds_no_credential_and_nothing_that_postgres_cannot_store() -> None:
    detail = "no \x00 s3cr3t " + "x" * 5000
    refused = SendFailure(code=FailureCode.REFUSED, http_status=400, detail=detail)
    desk = Desk(http=ScriptedHttp([refused]))
    [report] = await desk.handle()
    assert report.error_message is not None
    assert report.error_message.startswith("no  *** xxx")
    assert len(report.error_message) == 1000


@pytest.mark.parametrize(
    ("accounts", "order"),
    [
        (MemoryAccounts(None), ORDER),
        (MemoryAccounts({}), ORDER),
        (MemoryAccounts({"access_token": "x"}, missing=("other",)), ORDER),
        (MemoryAccounts({"x": "y"}), agents.order(1, 0, provider="carrier_pigeon")),
    ],
)
async def test_what_is_not_configured_fails_for_good_and_calls_nobody(
    accounts: MemoryAccounts, order: Recorded
) -> None:
    desk = Desk(accounts=accounts)
    [report] = await desk.handle(order)
    assert (report.outcome, report.error_code) == (SendOutcome.FAILED, "not_configured")
    assert not report.retryable
    assert desk.http.calls == 0


async def test_accounts_that_cannot_be_looked_up_are_waited_for() -> None:
    desk = Desk(accounts=MemoryAccounts({"access_token": "x"}, away=Away(3)))
    [report] = await desk.handle()
    assert report.outcome is SendOutcome.SENT


class Busy:
    """A limiter that has no turn to give until it is free."""

    def __init__(self) -> None:
        self.free = False

    async def book(self, key: str, rate: object, longest: float) -> Turn | Crowded:
        return Turn(0.0) if self.free else Crowded(42.0)


async def test_an_order_without_a_turn_is_reported_to_come_again_and_calls_nobody() -> None:
    desk = Desk(limiter=Busy())
    [report] = await desk.handle()
    assert (report.outcome, report.error_code) == (SendOutcome.FAILED, "crowded")
    assert (report.retryable, report.retry_after_seconds) == (True, 42.0)
    assert report.http_status is None
    assert desk.http.calls == 0


async def test_an_attempt_that_was_sent_back_is_never_sent_when_its_order_comes_again() -> None:
    desk = Desk(limiter=Busy())
    await desk.handle()
    desk.limiter.free = True
    first, second = await desk.handle()
    assert first == second
    assert desk.http.calls == 0


async def test_an_order_that_waited_is_sent_with_the_credentials_of_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.agents.sending.FRESH_SECONDS", 0.0)
    desk = Desk()

    class Renewing(Busy):
        async def book(self, key: str, rate: object, longest: float) -> Turn | Crowded:
            desk.accounts.credentials = None
            return Turn(0.0)

    desk.limiter = Renewing()
    desk.__post_init__()
    [report] = await desk.handle()
    assert report.error_code == "not_configured"
    assert desk.http.calls == 0


async def test_while_an_account_is_refused_again_and_again_its_orders_come_again_later() -> None:
    no = SendFailure(code=FailureCode.UNAUTHENTICATED, http_status=401, detail="no")
    desk = Desk(http=ScriptedHttp([no] * IN_A_ROW))
    for chat in range(IN_A_ROW + 2):
        await desk.handle(agents.order(chat, 0))
    codes = [one.error_code for one in desk.reports]
    assert codes == ["unauthenticated"] * IN_A_ROW + ["account_stopped"] * 2
    assert desk.reports[-1].retryable
    assert desk.reports[-1].retry_after_seconds > 0
    assert desk.http.calls == IN_A_ROW


async def test_an_email_is_handed_to_the_mail_client() -> None:
    accounts = MemoryAccounts({}, base_url="smtp://smtp.acme.example:587")
    desk = Desk(accounts=accounts, mail=ScriptedMail([MailAnswer(550, "5.1.1 nobody")]))
    order = agents.order(1, 0, provider="email", account="help@acme.example")
    mailed = _with(order, msgspec.structs.replace(order.data, to="anna@example.com"))
    [report] = await desk.handle(mailed)
    assert (report.outcome, report.error_code) == (SendOutcome.FAILED, "recipient_unreachable")
    assert [one.mail.recipient for one in desk.mail.posted] == ["anna@example.com"]
    assert desk.http.calls == 0


async def test_what_a_channel_refuses_is_reported_and_asked_of_nobody() -> None:
    desk = Desk(accounts=MemoryAccounts({}, base_url="smtp://smtp.acme.example:587"))
    [report] = await desk.handle(agents.order(1, 0, provider="email", account="no address"))
    assert (report.outcome, report.error_code) == (SendOutcome.FAILED, "not_configured")
    assert not desk.mail.posted


async def test_a_retry_is_counted() -> None:
    labels = {"provider": "whatsapp_cloud", "outcome": "sent"}
    before = REGISTRY.get_sample_value("chatfold_delivery_retries_total", labels) or 0.0
    await Desk().handle(agents.order(1, 0, attempt=1))
    await Desk().handle(agents.order(1, 0, attempt=2))
    assert REGISTRY.get_sample_value("chatfold_delivery_retries_total", labels) == before + 1


async def test_an_order_that_is_not_its_own_is_an_error() -> None:
    question = AnswerQuestion(question_id="q", question=Question.VIEW_STATS)
    with pytest.raises(TypeError):
        await Desk().handle(_with(ORDER, question))


@pytest.mark.parametrize("reply_id", ["nul \x00", "surrogate \ud800", "umlaut ü"])
async def test_an_id_that_the_ledger_cannot_hold_is_an_error_before_anything_is_claimed(
    reply_id: str,
) -> None:
    desk = Desk()
    message = ORDER.data
    odd = type(message)(**{**{n: getattr(message, n) for n in _FIELDS}, "reply_id": reply_id})
    with pytest.raises(ValueError, match="ledger"):
        await desk.handle(_with(ORDER, odd))
    assert not desk.ledger.effects


_FIELDS = (
    "reply_id",
    "attempt",
    "provider",
    "account",
    "to",
    "content",
    "reply_to",
    "received_at",
)


def _with(order: Recorded, data: object) -> Recorded:
    return Recorded(
        id=order.id,
        time=order.time,
        source=order.source,
        tenant=order.tenant,
        chat_id=order.chat_id,
        causation_id=order.causation_id,
        correlation_id=order.correlation_id,
        data=data,
    )


def _counted(code: str) -> float:
    labels = {"provider": "whatsapp_cloud", "outcome": "saved_only", "code": code}
    return REGISTRY.get_sample_value("chatfold_delivery_sends_total", labels) or 0.0


async def _until(met) -> None:
    async with asyncio.timeout(5):
        while not met():
            await asyncio.sleep(0)
