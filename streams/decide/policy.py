"""How a tenant wants its chats decided."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from schemas.tenants import Fallback, Template
from streams.decide.handlers import Handler


def _seconds(*seconds: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=one) for one in seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPolicy:
    """What is read of the files that are stored; for the rest see `schemas.tenants`."""

    reads_documents: bool = True
    transcribes: bool = False
    describes: bool = False
    store_retries: tuple[timedelta, ...] = _seconds(1, 8)
    read_retries: tuple[timedelta, ...] = _seconds(2, 16)
    transcribe_retries: tuple[timedelta, ...] = _seconds(2, 5, 13, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantPolicy:
    """How the tenant's model is asked; for the rest see `schemas.tenants.Assistant`.

    If it `is_responder`, it answers what no handler does. `fallback_text` is None for silence.
    """

    is_responder: bool
    quiet: timedelta = timedelta(seconds=1)
    media_wait: timedelta = timedelta(seconds=30)
    retries: tuple[timedelta, ...] = _seconds(2, 8, 30)
    fallback_text: str | None = "Sorry, I cannot answer right now. Please try again later."
    summarises: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`handlers` are asked in order; for the rest see `schemas.tenants.Tenant`.

    `media` is None where files are not stored, `assistant` where the tenant has no model.
    """

    handlers: tuple[Handler, ...]
    idle_close: timedelta
    retries: tuple[timedelta, ...] = (
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(hours=1),
    )
    order_wait: timedelta = timedelta(minutes=5)
    confirmation: timedelta = timedelta(minutes=2)
    unconfirmed: Literal["hold", "resend"] = "hold"
    auto_resume: timedelta | None = timedelta(hours=2)
    fallbacks: tuple[Fallback, ...] = ()
    template: Template | None = None
    media: MediaPolicy | None = None
    assistant: AssistantPolicy | None = None

    def handler(self, name: str) -> Handler | None:
        """The handler of that name, None if the tenant has it no more."""
        return next((one for one in self.handlers if one.name == name), None)
