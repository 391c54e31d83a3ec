"""Asks the models of tenants by the `openai` client, each time once, and counts what it took."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Final, Self

import httpx2
from openai import AsyncOpenAI

from chatfold.models import answers, calls, clients, failures, metrics, services, usage
from chatfold.models.answers import Gathered
from chatfold.models.calls import Completion, Recording
from chatfold.models.clients import Clients
from chatfold.models.services import Service
from chatfold.tenancy.current import Current
from schemas.content import Usage
from schemas.job_failures import JobFailureCode
from schemas.tenants import Models
from streams.ports import ModelFailure, Said, Understood

logger = logging.getLogger(__name__)

SEEN_TOKENS: Final = 4_000
"""For what is said of a picture: a page full of small print."""

ANSWERED: Final = "answered"
ENDED_EARLY: Final = "ended_early"

Outcome = tuple[Understood | ModelFailure, str]
"""What came of a call, and its name for the figures."""


@dataclass(frozen=True, slots=True)
class Call:
    """Who is asked for what; `operation` is for the figures."""

    operation: str
    models: Models
    model: str
    service: Service

    def timeout(self) -> httpx2.Timeout:
        """The limits of its request."""
        return clients.timeout(self.models.timeout_seconds)


class TenantModels:
    """The models of tenants; `async with` opens and closes the connections to their services."""

    def __init__(self, current: Current) -> None:
        self._current = current
        self._clients = Clients()

    async def __aenter__(self) -> Self:
        """Open the pool; connects to nobody yet."""
        await self._clients.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the pool."""
        await self._clients.__aexit__()

    async def chat(
        self,
        tenant: str,
        messages: Sequence[Said],
        *,
        max_tokens: int,
        temperature: float | None = None,
        model: str | None = None,
    ) -> Understood | ModelFailure:
        """What the model answers; without `model` it is the tenant's."""
        models = await self._models(tenant)
        if isinstance(models, ModelFailure):
            return models
        wanted = Completion(
            model=model or models.chat,
            messages=[{"role": one.role, "content": one.text} for one in messages],
            limit={services.limit_field(models): max_tokens},
            temperature=temperature,
        )
        return await self._complete("chat", tenant, models, wanted, may_be_empty=False)

    async def see(
        self, tenant: str, pictures: Sequence[bytes], instruction: str
    ) -> Understood | ModelFailure:
        """What the model says of pictures, "" where it sees nothing to say."""
        models = await self._models(tenant)
        if isinstance(models, ModelFailure):
            return models
        shown = calls.showing(instruction, pictures)
        if isinstance(shown, ModelFailure):
            return shown
        limit = {services.limit_field(models): SEEN_TOKENS}
        wanted = Completion(model=models.vision, messages=[shown], limit=limit)
        return await self._complete("see", tenant, models, wanted, may_be_empty=True)

    async def transcribe(
        self, tenant: str, sound: bytes, file_name: str, mime: str
    ) -> Understood | ModelFailure:
        """What is said in a recording, "" where nothing is."""
        models = await self._models(tenant)
        if isinstance(models, ModelFailure):
            return models
        service = services.for_speech(models, partial(self._current.secret, tenant=tenant))
        if isinstance(service, ModelFailure):
            return service
        recording = Recording(model=models.speech, sound=sound, file_name=file_name, mime=mime)
        call = Call("transcribe", models, models.speech, service)
        return await self._counted(call, lambda client: _transcribed(client, call, recording))

    async def _complete(
        self,
        operation: str,
        tenant: str,
        models: Models,
        wanted: Completion,
        *,
        may_be_empty: bool,
    ) -> Understood | ModelFailure:
        service = services.for_text(models, partial(self._current.secret, tenant=tenant))
        if isinstance(service, ModelFailure):
            return service
        call = Call(operation, models, wanted.model, service)
        return await self._counted(
            call, lambda client: _completed(client, call, wanted, may_be_empty=may_be_empty)
        )

    async def _models(self, tenant_id: str) -> Models | ModelFailure:
        tenant = await self._current.tenant(tenant_id)
        if tenant is None or tenant.models is None:
            return failures.failure(JobFailureCode.NOT_CONFIGURED, "the tenant has no models")
        return tenant.models

    async def _counted(
        self, call: Call, make: Callable[[AsyncOpenAI], Awaitable[Outcome]]
    ) -> Understood | ModelFailure:
        labels = (call.operation, call.models.provider)
        began = perf_counter()
        with metrics.UNDER_WAY.labels(call.operation).track_inprogress():
            result, outcome = await self._bounded(call, make)
        metrics.SECONDS.labels(*labels).observe(perf_counter() - began)
        metrics.CALLS.labels(*labels, outcome).inc()
        if result.usage is not None:
            metrics.TOKENS.labels(*labels, "in").inc(result.usage.tokens_in or 0)
            metrics.TOKENS.labels(*labels, "out").inc(result.usage.tokens_out or 0)
            metrics.COST.labels(*labels).inc((result.usage.cost_micros or 0) / 1e6)
        return result

    async def _bounded(
        self, call: Call, make: Callable[[AsyncOpenAI], Awaitable[Outcome]]
    ) -> Outcome:
        """Make the call within the tenant's time; raises only what is a bug."""
        began = perf_counter()
        try:
            async with asyncio.timeout(call.models.timeout_seconds):
                return await make(self._clients.of(call.service))
        except Exception as error:
            failed = failures.failure_of(error, (call.service.key,))
            if failed is None:
                raise
            may_be_paid = failures.may_be_paid(error, failed)
            return _in_vain(failed, _unknown(call, began) if may_be_paid else None)


async def _completed(
    client: AsyncOpenAI, call: Call, wanted: Completion, *, may_be_empty: bool
) -> Outcome:
    began, gathered = perf_counter(), Gathered()
    try:
        await calls.complete(client, wanted, gathered, call.timeout())
    except Exception as error:
        if gathered.finish is None:
            raise
        logger.info("a stream broke when the whole answer had come: %r", error)
    prices = call.models.prices
    used = usage.of_tokens(call.model, perf_counter() - began, gathered.usage, prices)
    result = answers.judged(gathered, used, may_be_empty=may_be_empty)
    if isinstance(result, ModelFailure):
        return result, result.code
    return result, ENDED_EARLY if gathered.ends_early else ANSWERED


async def _transcribed(client: AsyncOpenAI, call: Call, recording: Recording) -> Outcome:
    began = perf_counter()
    answer = await calls.transcribe(client, recording, call.timeout())
    if isinstance(answer, ModelFailure):
        return _in_vain(answer, _unknown(call, began))
    took = perf_counter() - began
    return calls.understood(call.model, took, answer, call.models.prices), ANSWERED


def _unknown(call: Call, began: float) -> Usage:
    """The usage of a call of which only the time is known."""
    return Usage(model=call.model, seconds=round(perf_counter() - began, 3))


def _in_vain(failed: ModelFailure, used: Usage | None) -> Outcome:
    return ModelFailure(failed.code, failed.detail, failed.retry_after_seconds, used), failed.code
