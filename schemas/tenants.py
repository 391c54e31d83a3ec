"""Tenants: who we work for, through which accounts, and how their chats are to be answered."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.content import Platform

TENANT_ID = r"^[a-z0-9][a-z0-9_-]{0,62}$"
REFERENCE = r"^(env|file|enc):.+$"

Reference = Annotated[str, Field(pattern=REFERENCE)]
Minutes = Annotated[float, Field(gt=0, le=100_000)]
Seconds = Annotated[float, Field(gt=0, le=100_000)]


class Strict(BaseModel):
    """Frozen, and refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SendLimits(Strict):
    """How fast an account may send, where its provider's usual limits do not fit."""

    account_per_second: float | None = Field(None, gt=0, le=100_000)
    chat_per_second: float | None = Field(None, gt=0, le=100_000)
    chat_burst: int | None = Field(None, ge=1, le=100_000)


class Account(Strict):
    """One account at one provider, or at a channel that only sends.

    `credentials` and `secrets` hold references (`env:NAME`, `file:PATH`), never values:
    `credentials` are what requests to the provider need, by the provider's own names;
    any of `secrets` proves a webhook authentic, several at once for rotation.
    """

    provider: str
    account: str
    platform: Platform
    credentials: dict[str, Reference] = {}
    secrets: tuple[Reference, ...] = ()
    verify_token: Reference | None = None
    base_url: str | None = None
    limits: SendLimits | None = None


class Commands(Strict):
    """What a user types for each command."""

    history: str = "/HISTORY"
    close: str = "/CLOSE"
    stats: str = "/STATS"
    enter: str = "/WAPPA"
    leave: str = "/EXIT"


class Fallback(Strict):
    """Another way for replies that failed for good: through `account` at `provider`.

    `to` is the address there; left out, SMS go to the phone number in the person's profile,
    and other ways are not taken.
    """

    provider: str
    account: str
    to: str | None = Field(None, min_length=1)


class Template(Strict):
    """A message template that Meta has approved, for who has not written for a day.

    `with_words`: it has one parameter in its body, and the reply's words are it.
    """

    name: str = Field(pattern=r"^[a-z0-9_]{1,512}$")
    language: str = Field("en", pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")
    with_words: bool = True


class Price(Strict):
    """What a model costs, in US dollars: per million tokens, and per minute of sound."""

    tokens_in: float = Field(0.0, ge=0)
    tokens_out: float = Field(0.0, ge=0)
    minute: float = Field(0.0, ge=0)


class Models(Strict):
    """The tenant's model service, OpenAI's or one that speaks as it does, and what to ask there.

    `provider` names it in figures, and says by what name it knows the bound of an answer. Without
    `base_url` it is OpenAI's; with one there is no key but what `api_key` says. Where speech is
    understood elsewhere, `speech_base_url` and `speech_api_key` say where. A model whose price is
    not in `prices` is not counted in money.
    """

    provider: Literal["openai", "anthropic", "groq", "ollama", "vllm", "other"] = "openai"
    base_url: str | None = Field(None, pattern=r"^https?://.+")
    api_key: Reference | None = "env:OPENAI_API_KEY"
    chat: str = "gpt-4o-mini"
    vision: str = "gpt-4o-mini"
    speech: str = "whisper-1"
    speech_base_url: str | None = Field(None, pattern=r"^https?://.+")
    speech_api_key: Reference | None = None
    timeout_seconds: float = Field(60.0, gt=0, le=600)
    prices: dict[str, Price] = {}

    @model_validator(mode="before")
    @classmethod
    def _keep_the_usual_key_at_home(cls, given: object) -> object:
        """OpenAI's key, where nobody has named one, is for nobody else."""
        if isinstance(given, dict) and given.get("base_url") is not None:
            return {"api_key": None, **given}
        return given


class Assistant(Strict):
    """How the model answers, where `responder` is `llm`.

    Messages that come within `quiet_seconds` of each other are answered together; what is in
    their files is waited for, but not longer than `media_wait_seconds`. The prompt holds about
    `context_tokens`, the answer at most `answer_tokens`. A call that may succeed later is made
    again after each of `retry_seconds`; then `fallback_text` is the answer, or there is none.
    """

    system_prompt: str = Field("", max_length=50_000)
    quiet_seconds: float = Field(1.0, ge=0, le=600)
    media_wait_seconds: float = Field(30.0, ge=0, le=3600)
    context_tokens: int = Field(6_000, ge=500, le=1_000_000)
    answer_tokens: int = Field(1_000, ge=1, le=100_000)
    temperature: float | None = Field(None, ge=0, le=2)
    retry_seconds: tuple[Seconds, ...] = Field((2.0, 8.0, 30.0), max_length=20)
    on_failure: Literal["fallback", "silence"] = "fallback"
    fallback_text: str = Field(
        "Sorry, I cannot answer right now. Please try again later.", min_length=1, max_length=4000
    )
    summarise: bool = True


class MediaSettings(Strict):
    """What is done with the files of messages.

    With `store` they are fetched and kept, up to `max_megabytes`, and `read_documents` reads
    what is written in PDF documents. With models (see `Models`) `transcribe` also writes down
    speech, `describe_images` pictures, and pages without text are looked at, at most
    `max_pages_seen` a document. What fails is tried again after each of the seconds given.
    """

    store: bool = True
    max_megabytes: float = Field(32.0, gt=0, le=2_000)
    read_documents: bool = True
    transcribe: bool = True
    describe_images: bool = False
    max_pages_seen: int = Field(10, ge=0, le=1_000)
    store_retry_seconds: tuple[Seconds, ...] = Field((1.0, 8.0), max_length=20)
    read_retry_seconds: tuple[Seconds, ...] = Field((2.0, 16.0), max_length=20)
    transcribe_retry_seconds: tuple[Seconds, ...] = Field((2.0, 5.0, 13.0, 32.0), max_length=20)


class Tenant(Strict):
    """A tenant as it stands in the tenants topic, keyed by `tenant_id`.

    A refused reply that may succeed later is tried again after each of `retry_minutes`; later
    replies of its chat wait behind it, but not for longer than `order_minutes`. One whose
    outcome is unknown is held for `confirmation_minutes`, and then, if nothing has told,
    kept for an operator or sent again, as `unconfirmed` says. A bot that was paused answers
    again after `auto_resume_hours` without a human (null: never by itself). `fallbacks` are
    tried in order when a reply has failed for good. What no handler answers, the `responder`
    does: the echo, the tenant's model (`llm`), or nobody (`handler`, `none`). A reply in words
    that the platform no longer takes, as the person wrote too long ago, is sent as the
    `template`, if there is one and the provider knows templates.
    """

    tenant_id: str = Field(pattern=TENANT_ID)
    name: str
    accounts: tuple[Account, ...] = ()
    responder: Literal["echo", "llm", "handler", "none"] = "echo"
    handlers: tuple[str, ...] = ()
    commands: Commands = Commands()
    idle_close_hours: float = Field(24.0, gt=0)
    mode_minutes: float = Field(30.0, gt=0)
    retry_minutes: tuple[Minutes, ...] = Field((1.0, 5.0, 15.0, 60.0), max_length=20)
    order_minutes: float = Field(5.0, ge=0, le=100_000)
    confirmation_minutes: float = Field(2.0, gt=0, le=100_000)
    unconfirmed: Literal["hold", "resend"] = "hold"
    auto_resume_hours: float | None = Field(2.0, gt=0, le=10_000)
    fallbacks: tuple[Fallback, ...] = Field((), max_length=10)
    template: Template | None = None
    models: Models | None = None
    assistant: Assistant = Assistant()
    media: MediaSettings = MediaSettings()

    @property
    def idle_close(self) -> timedelta:
        """How long a conversation stays open without a message."""
        return timedelta(hours=self.idle_close_hours)

    @property
    def mode_length(self) -> timedelta:
        """How long the special mode lasts."""
        return timedelta(minutes=self.mode_minutes)

    @property
    def retries(self) -> tuple[timedelta, ...]:
        """How long after each failure a reply is tried again."""
        return tuple(timedelta(minutes=minutes) for minutes in self.retry_minutes)

    @property
    def order_wait(self) -> timedelta:
        """How long later replies wait behind one that is being retried."""
        return timedelta(minutes=self.order_minutes)

    @property
    def confirmation(self) -> timedelta:
        """How long an unknown outcome may still become known."""
        return timedelta(minutes=self.confirmation_minutes)

    @property
    def auto_resume(self) -> timedelta | None:
        """How long after the last human activity the bot answers again, None for never."""
        hours = self.auto_resume_hours
        return None if hours is None else timedelta(hours=hours)
