"""The webhook route as a raw ASGI application: it runs for every webhook, so it is kept bare."""

import logging
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from chatfold.clock import Clock
from chatfold.eventlog import AppendFailed, EventLog, Overloaded, RecordTooLarge
from chatfold.gateway import answers, metrics
from chatfold.gateway.acceptance import Accepted, accept
from chatfold.gateway.addresses import Address, Addresses
from chatfold.gateway.outcomes import Outcome, Refusal
from chatfold.gateway.requests import Backlog, Headers, Intake
from chatfold.gateway.seldom import Seldom
from providers.protocol import Webhook

logger = logging.getLogger(__name__)

PREFIX: Final = "/webhooks/"
_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_NO_QUERY: Final[dict[str, str]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a webhook may take of us."""

    body_bytes: int
    body_seconds: float
    append_seconds: float
    pending_bytes: int


class Webhooks:
    """Answers `/webhooks/{provider}[/{tenant}[/…]]`; 200 only when all is in the log."""

    def __init__(
        self, *, log: EventLog, topic: str, addresses: Addresses, limits: Limits, now: Clock
    ) -> None:
        self._log = log
        self._topic = topic
        self._addresses = addresses
        self._limits = limits
        self._now = now
        self._backlog = Backlog(limits.pending_bytes)
        self._seldom = Seldom(logger)
        metrics.PENDING.set_function(lambda: self._backlog.used)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an error on our side is a 500 without a trace, and logged."""
        began = time.perf_counter()
        path = scope["path"][len(PREFIX) :].split("/", 3)
        label, outcome = metrics.UNKNOWN, Outcome.FAILED
        try:
            address = self._find(path)
            if isinstance(address, Address):
                label = address.provider.name
                outcome, answer = await self._answer(address, path, scope, receive)
            else:
                outcome, answer = address, answers.ANSWERS[address]
        except Exception:
            logger.exception("a webhook failed")
            answer = answers.ANSWERS[outcome]
        counter, seconds = metrics.result(label, outcome)
        counter.inc()
        seconds.observe(time.perf_counter() - began)
        if answer is not None:
            await answers.give(answer, send)

    def _find(self, path: list[str]) -> Address | Outcome:
        tenant = path[1] if len(path) > 1 and path[1] else None
        try:
            address = self._addresses.find(path[0], tenant)
        except KeyError:
            return Outcome.UNKNOWN_PROVIDER
        return address or Outcome.UNKNOWN_TENANT

    async def _answer(
        self, address: Address, path: list[str], scope: Scope, receive: Receive
    ) -> tuple[Outcome, answers.Answer | None]:
        if scope["method"] not in _METHODS:
            return _challenge(address, scope)
        intake = Intake(
            self._backlog, limit=self._limits.body_bytes, seconds=self._limits.body_seconds
        )
        try:
            outcome = await self._take(
                address, path, scope, await intake.body(receive, scope["headers"])
            )
        finally:
            intake.release()
        return outcome, answers.ANSWERS.get(outcome)

    async def _take(
        self, address: Address, path: list[str], scope: Scope, body: bytes | Refusal | None
    ) -> Outcome:
        if body is None:
            return Outcome.CUT_OFF
        if isinstance(body, Refusal):
            return body.outcome
        webhook = Webhook(body, Headers(scope["headers"]), _query(scope))
        accepted = accept(address, webhook, self._now(), path[2] if len(path) > 2 else "")
        if isinstance(accepted, Refusal):
            self._seldom.warn("webhooks of %s refused: %s", address.provider.name, accepted.text)
            return accepted.outcome
        return await self._append(address.provider.name, accepted)

    async def _append(self, provider: str, accepted: Accepted) -> Outcome:
        try:
            await self._log.append(self._topic, accepted.records, self._limits.append_seconds)
        except Overloaded:
            return Outcome.OVERLOADED
        except RecordTooLarge:
            return Outcome.TOO_LARGE
        except AppendFailed as failure:
            self._seldom.warn("webhooks of %s answered 503: %s", provider, failure)
            return Outcome.UNAVAILABLE
        for kind in accepted.kinds:
            metrics.items(provider, kind).inc()
        if accepted.unrouted:
            metrics.UNROUTED.labels(provider).inc(accepted.unrouted)
        return Outcome.ACCEPTED


def _challenge(address: Address, scope: Scope) -> tuple[Outcome, answers.Answer]:
    if scope["method"] != "GET":
        return Outcome.WRONG_METHOD, answers.ANSWERS[Outcome.WRONG_METHOD]
    query = _query(scope)
    for token in address.verify_tokens:
        words = address.provider.challenge(query, token)
        if words is not None:
            return Outcome.CHALLENGED, answers.challenge(words)
    return Outcome.CHALLENGE_REFUSED, answers.ANSWERS[Outcome.CHALLENGE_REFUSED]


def _query(scope: Scope) -> dict[str, str]:
    raw: bytes = scope["query_string"]
    return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True)) if raw else _NO_QUERY
