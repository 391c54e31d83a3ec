"""What the decider must know of tenants: how each wants its chats decided, and whose is what."""

import logging
from datetime import timedelta
from typing import Final, assert_never

from chatfold import handlers
from chatfold.tenancy import TenantDirectory
from schemas.tenants import Tenant
from streams.decide.assistant import Assistant
from streams.decide.commands import commands
from streams.decide.echo import Echo
from streams.decide.handlers import Handler
from streams.decide.policy import AssistantPolicy, MediaPolicy, Policy

LOG: Final = logging.getLogger(__name__)


def policy_of(tenant: Tenant) -> Policy:
    """The tenant's policy: commands, then its own handlers, then its responder.

    A handler that cannot be loaded is left out and logged; the chats go on without it.
    """
    own = [handler for name in tenant.handlers if (handler := _load(tenant, name)) is not None]
    built_in = commands(tenant.commands, tenant.mode_length)
    return Policy(
        handlers=(*built_in, *own, *_responder(tenant)),
        idle_close=tenant.idle_close,
        retries=tenant.retries,
        order_wait=tenant.order_wait,
        confirmation=tenant.confirmation,
        unconfirmed=tenant.unconfirmed,
        auto_resume=tenant.auto_resume,
        fallbacks=tenant.fallbacks,
        template=tenant.template,
        media=_media(tenant),
        assistant=_assistant(tenant),
    )


def _responder(tenant: Tenant) -> tuple[Handler, ...]:
    match tenant.responder:
        case "echo":
            return (Echo(tenant.commands),)
        case "llm":
            return (Assistant(),)
        case "handler" | "none":
            return ()
        case _:
            assert_never(tenant.responder)


def _media(tenant: Tenant) -> MediaPolicy | None:
    chosen, has_models = tenant.media, tenant.models is not None
    if not chosen.store:
        return None
    return MediaPolicy(
        reads_documents=chosen.read_documents,
        transcribes=has_models and chosen.transcribe,
        describes=has_models and chosen.describe_images,
        store_retries=_seconds(chosen.store_retry_seconds),
        read_retries=_seconds(chosen.read_retry_seconds),
        transcribe_retries=_seconds(chosen.transcribe_retry_seconds),
    )


def _assistant(tenant: Tenant) -> AssistantPolicy | None:
    if tenant.models is None:
        return None
    chosen = tenant.assistant
    return AssistantPolicy(
        is_responder=tenant.responder == "llm",
        quiet=timedelta(seconds=chosen.quiet_seconds),
        media_wait=timedelta(seconds=chosen.media_wait_seconds),
        retries=_seconds(chosen.retry_seconds),
        fallback_text=chosen.fallback_text if chosen.on_failure == "fallback" else None,
        summarises=chosen.summarise,
    )


def _seconds(waits: tuple[float, ...]) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=wait) for wait in waits)


def _load(tenant: Tenant, name: str) -> Handler | None:
    try:
        return handlers.load(name)
    except handlers.UnknownHandler as error:
        LOG.error("handler of tenant %s is left out: %s", tenant.tenant_id, error)  # noqa: TRY400  # the text says it all
        return None


class Policies:
    """The policies of a directory's tenants, kept until the tenants change."""

    def __init__(self, directory: TenantDirectory) -> None:
        self._directory = directory
        self._kept: dict[str, Policy] = {}
        directory.on_change(self._kept.clear)

    def of(self, tenant_id: str) -> Policy | None:
        """The tenant's policy, None if nobody has configured it."""
        kept = self._kept.get(tenant_id)
        if kept is None and (tenant := self._directory.tenant(tenant_id)) is not None:
            kept = self._kept[tenant_id] = policy_of(tenant)
        return kept

    def tenant_of(self, provider: str, account: str) -> str | None:
        """Whose account it is."""
        owned = self._directory.account(provider, account)
        return owned[0].tenant_id if owned else None
