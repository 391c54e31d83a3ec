"""What if this handler, prompt or model had answered: reads the log, decides again, and reports."""

from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from aiokafka import ConsumerRecord

from chatfold import clock, handlers, reading, standing
from chatfold.models import TenantModels
from chatfold.policies import policy_of
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from chatfold.tenancy import Secrets
from chatfold.tenancy.current import Current
from chatfold.whatif.asking import Asking
from chatfold.whatif.report import Report
from chatfold.whatif.rerun import Rerun, by_chat
from chatfold.whatif.turns import Talk, turns
from schemas import codec, envelope
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.inputs import Input
from schemas.tenants import Tenant
from schemas.topics import Topics
from streams.decide.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The other behaviour, and over what; without `prompt` and `model` no model is asked."""

    handler: str | None
    prompt: str | None
    model: str | None
    since: datetime
    until: datetime
    tenant: str | None

    @property
    def asks(self) -> bool:
        """Whether a model is asked."""
        return self.prompt is not None or self.model is not None

    def changed(self, tenant: Tenant) -> Tenant:
        """The tenant as it would be; raises `Refusal` if it has no model to be asked."""
        if self.handler is not None:
            tenant = tenant.model_copy(update={"handlers": (self.handler,)})
        if not self.asks:
            return tenant
        if tenant.models is None:
            raise Refusal(f"Tenant {tenant.tenant_id} has no [models]: nobody could be asked.")
        words = {} if self.prompt is None else {"system_prompt": self.prompt}
        assistant = tenant.assistant.model_copy(update=words)
        return tenant.model_copy(update={"responder": "llm", "assistant": assistant})


async def what_if(settings: Settings, wanted: WhatIf) -> Report:
    """What people would have read; raises `Refusal`."""
    _refuse_unknown(wanted)
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(standing.tenants(settings))
        tenants = _Changed(directory.tenant, wanted)
        asking = None
        if wanted.asks:
            current = Current(directory, Secrets.from_environment())
            models = await stack.enter_async_context(TenantModels(current))
            asking = Asking(models, tenants.tenant, clock.now, wanted.model)
        return await _decided(settings, wanted, tenants, asking)


class _Changed:
    def __init__(self, known: Callable[[str], Tenant | None], wanted: WhatIf) -> None:
        self._known = known
        self._wanted = wanted
        self._policies: dict[str, Policy | None] = {}

    def tenant(self, tenant_id: str) -> Tenant | None:
        known = self._known(tenant_id)
        return None if known is None else self._wanted.changed(known)

    def policy(self, tenant_id: str) -> Policy | None:
        if tenant_id not in self._policies:
            tenant = self.tenant(tenant_id)
            self._policies[tenant_id] = None if tenant is None else policy_of(tenant)
        return self._policies[tenant_id]


async def _decided(
    settings: Settings, wanted: WhatIf, tenants: _Changed, asking: Asking | None
) -> Report:
    before, inputs = await _inputs(settings, wanted)
    facts = by_chat(await _facts(settings, {one.chat_id for one in inputs}))
    rerun = Rerun(tenants.policy, facts, asking.ask if asking else None)
    await rerun.run(inputs, before, wanted.until)
    was = Talk()
    for told in facts.values():
        was.hear(told)
    return Report(
        handler=wanted.handler,
        prompt=wanted.prompt,
        model=wanted.model,
        tenant=wanted.tenant,
        since=wanted.since,
        until=wanted.until,
        made_at=clock.now(),
        inputs=rerun.decided,
        unknown=rerun.unknown,
        turns=turns(was, rerun.told),
        was_calls=[usage for at, usage in was.calls if wanted.since <= at < wanted.until],
        would_calls=[usage for _, usage in rerun.told.calls],
    )


async def _inputs(
    settings: Settings, wanted: WhatIf
) -> tuple[Collection[str], list[Recorded[Input]]]:
    """The ids of the inputs before, and the inputs to decide again, in the log's order."""
    before: set[str] = set()
    chosen: list[Recorded[Input]] = []
    async for record in reading.read(settings.bootstrap, Topics(settings.topic_prefix).inbox):
        try:
            told: Recorded[Input] = envelope.decode(
                codec.INPUTS, value=record.value, headers=record.headers
            )
        except codec.Undecodable:
            continue  # a dead letter, for the decider too
        if told.time < wanted.since:
            before.add(told.id)
        elif told.time < wanted.until and wanted.tenant in (None, told.tenant):
            chosen.append(told)
    return before, chosen


def _input(record: ConsumerRecord) -> Recorded[Input]:
    return envelope.decode(codec.INPUTS, value=record.value, headers=record.headers)


async def _facts(settings: Settings, chats: Collection[str]) -> list[Recorded[Fact]]:
    keys = {chat_id.encode() for chat_id in chats}
    topic = Topics(settings.topic_prefix).events
    return [
        envelope.decode(codec.FACTS, value=record.value, headers=record.headers)
        async for record in reading.read(settings.bootstrap, topic)
        if record.key in keys
    ]


def _refuse_unknown(wanted: WhatIf) -> None:
    if wanted.handler is None and not wanted.asks:
        raise Refusal("Say what would be different: --handler, --prompt or --model.")
    try:
        if wanted.handler is not None:
            handlers.load(wanted.handler)
    except handlers.UnknownHandler as error:
        raise Refusal(str(error)) from None
