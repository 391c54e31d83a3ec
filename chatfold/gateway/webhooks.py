"""The webhook route: it runs for every webhook, so it is kept bare.

There are two ways through it. `__call__` is a raw ASGI application and can do all. `direct` is
for a webhook that is in memory as a whole: it makes no task and waits for nothing, and calls
back when the webhook is answered. Both judge and count alike.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from chatfold.clock import Clock
from chatfold.eventlog import AppendFailed, EventLog, Overloaded, RecordTooLarge
from chatfold.gateway import answers, metrics
from chatfold.gateway.acceptance import Accepted, accept
from chatfold.gateway.addresses import Addresses, Place
from chatfold.gateway.outcomes import Outcome, Rejection
from chatfold.gateway.requests import REQUEST_BYTES, Backlog, Headers, whole_body
from chatfold.gateway.scribe import Header, time_header
from chatfold.gateway.seldom import Seldom
from providers.protocol import Webhook

logger = logging.getLogger(__name__)

PREFIX: Final = "/webhooks/"
METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_NO_QUERY: Final[dict[str, str]] = {}

Finish = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a webhook may take of us."""

    body_bytes: int
    body_seconds: float
    append_seconds: float
    pending_bytes: int


class Webhooks:
    """Answers `/webhooks/{provider}[/{tenant}[/...]]`; 200 only when all is in the log."""

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
        began, answer = perf_counter(), None
        place: Place | Outcome = Outcome.FAILED
        try:
            place = self._addresses.place(scope["path"])
            if isinstance(place, Outcome):
                outcome = place
            elif scope["method"] in METHODS:
                outcome = await self._take(place, scope, receive)
            else:
                outcome, answer = _challenge(place, scope)
        except Exception:
            logger.exception("a webhook failed")
            outcome = Outcome.FAILED
        _count(place, outcome, began)
        start, body = answer or answers.ANSWERS[outcome]
        await send(start)
        await send(body)

    def time(self) -> Header:
        """What tells of all that reaches us now when it did."""
        return time_header(self._now())

    def direct(self, scope: Scope, body: bytes, time: Header, finish: Finish) -> None:
        """Take a POST or the like; `finish` is told the outcome, at once or later."""
        began = perf_counter()
        place: Place | Outcome = Outcome.FAILED
        try:
            place = self._addresses.place(scope["path"])
            end = partial(_end, place, began, finish)
            outcome = self._offer(place, scope, body, time, end)
        except AppendFailed as failure:
            outcome = self._refused(place, failure)
        except Exception:
            logger.exception("a webhook failed")
            outcome = Outcome.FAILED
        if outcome is not None:
            _end(place, began, finish, outcome)

    def _offer(
        self, place: Place | Outcome, scope: Scope, body: bytes, time: Header, end: Finish
    ) -> Outcome | None:
        if isinstance(place, Outcome):
            return place
        accepted = self._judge(place, scope, Headers(scope["headers"]), body, time)
        if isinstance(accepted, Outcome):
            return accepted
        told = partial(self._told, place, accepted, end)
        self._log.offer(self._topic, accepted.records, self._limits.append_seconds, told)
        return None

    def _told(self, place: Place, accepted: Accepted, end: Finish, refusal: str | None) -> None:
        if refusal is None:
            end(_kept(place, accepted))
        else:
            end(self._refused(place, AppendFailed(refusal)))

    async def _take(self, place: Place, scope: Scope, receive: Receive) -> Outcome:
        headers, backlog = Headers(scope["headers"]), self._backlog
        declared = headers.content_length
        if declared > self._limits.body_bytes:
            return Outcome.TOO_LARGE
        if not backlog.has_room(declared):
            return Outcome.OVERLOADED
        body = await whole_body(
            receive, backlog, limit=self._limits.body_bytes, seconds=self._limits.body_seconds
        )
        if isinstance(body, Outcome):
            return body
        held = REQUEST_BYTES + len(body)
        backlog.used += held
        try:
            accepted = self._judge(place, scope, headers, body, self.time())
            if isinstance(accepted, Outcome):
                return accepted
            await self._log.append(self._topic, accepted.records, self._limits.append_seconds)
            return _kept(place, accepted)
        except AppendFailed as failure:
            return self._refused(place, failure)
        finally:
            backlog.used -= held

    def _judge(
        self, place: Place, scope: Scope, headers: Headers, body: bytes, time: Header
    ) -> Accepted | Outcome:
        if len(body) > self._limits.body_bytes:
            return Outcome.TOO_LARGE
        query = scope["query_string"]
        webhook = Webhook(body, headers, _parsed(query) if query else _NO_QUERY)
        accepted = accept(place.address, webhook, time, place.account)
        if isinstance(accepted, Rejection):
            provider = place.address.provider.name
            self._seldom.warn("webhooks of %s refused: %s", provider, accepted.text)
            return accepted.outcome
        return accepted

    def _refused(self, place: Place | Outcome, failure: AppendFailed) -> Outcome:
        self._seldom.warn("webhooks of %s not in the log: %s", _name(place), failure)
        match failure:
            case Overloaded():
                return Outcome.OVERLOADED
            case RecordTooLarge():
                return Outcome.TOO_LARGE
            case _:
                return Outcome.UNAVAILABLE


def _name(place: Place | Outcome) -> str:
    return metrics.UNKNOWN if isinstance(place, Outcome) else place.address.provider.name


def _count(place: Place | Outcome, outcome: Outcome, began: float) -> None:
    metrics.TALLY.webhook(_name(place), outcome, perf_counter() - began)


def _end(place: Place | Outcome, began: float, finish: Finish, outcome: Outcome) -> None:
    _count(place, outcome, began)
    finish(outcome)


def _kept(place: Place, accepted: Accepted) -> Outcome:
    provider = place.address.provider.name
    for kind in accepted.kinds:
        metrics.TALLY.items[provider, kind] += 1
    if accepted.unrouted:
        metrics.TALLY.unrouted[provider] += accepted.unrouted
    return Outcome.ACCEPTED


def _challenge(place: Place, scope: Scope) -> tuple[Outcome, answers.Answer | None]:
    if scope["method"] != "GET":
        return Outcome.WRONG_METHOD, None
    query = _parsed(scope["query_string"])
    for token in place.address.verify_tokens:
        words = place.address.provider.challenge(query, token)
        if words is not None:
            return Outcome.CHALLENGED, answers.challenge(words)
    return Outcome.CHALLENGE_REFUSED, None


def _parsed(query: bytes) -> dict[str, str]:
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
