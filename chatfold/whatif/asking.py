"""Asks a tenant's model as the agent does, in other words or another model; nothing is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from msgspec.structs import replace

from schemas.content import Prompt
from schemas.inputs import JobReported
from schemas.job_failures import JobFailureCode
from schemas.tenants import Tenant
from schemas.work import AskModel, ModelOrder
from streams import prompting
from streams.ports import ModelFailure, Models, Unavailable, Understood

NO_PROMPT: Final = Prompt(instruction="", text="")


@dataclass(frozen=True, slots=True)
class Asking:
    """`tenants` gives the tenant as it would be; `model` stands for the tenant's own."""

    models: Models
    tenants: Callable[[str], Tenant | None]
    now: Callable[[], datetime]
    model: str | None = None

    async def ask(self, tenant_id: str, order: ModelOrder) -> JobReported:
        """What the model says to the order; a failure is final, for nobody waits."""
        tenant, started_at = self.tenants(tenant_id), self.now()
        assert tenant is not None  # it has a policy
        try:
            result = await self._call(tenant, order)
        except Unavailable as error:
            result = ModelFailure(JobFailureCode.UNREACHABLE, str(error))
        report = JobReported(
            job_id=order.job_id,
            attempt=order.attempt,
            started_at=started_at,
            finished_at=self.now(),
            usage=result.usage,
        )
        match result:
            case Understood():
                return replace(report, text=result.text)
            case ModelFailure():
                return replace(report, error_code=result.code, error_message=result.detail)
            case _:
                assert_never(result)

    async def _call(self, tenant: Tenant, order: ModelOrder) -> Understood | ModelFailure:
        settings, told = tenant.assistant, prompting.prompt(order, tenant.assistant)
        prompt = order.prompt if isinstance(order, AskModel) else NO_PROMPT
        temperature = prompt.temperature
        return await self.models.chat(
            tenant.tenant_id,
            told,
            max_tokens=prompt.max_tokens or settings.answer_tokens,
            temperature=settings.temperature if temperature is None else temperature,
            model=self.model or prompt.model,
        )
