"""Stories with files and a model: what people send, and how each attempt at a job ends."""

from dataclasses import dataclass, field
from datetime import timedelta

from providers.protocol import Message
from schemas import identity
from schemas.content import Content, JobKind, Media, MessageKind, Person, StoredMedia, Usage
from schemas.inputs import JobReported
from schemas.job_failures import MEANINGS, JobFailureCode
from schemas.tenants import Commands
from schemas.work import GenerateAnswer, ModelOrder, ProcessMedia, SummariseConversation
from streams.decide.assistant import Assistant
from streams.decide.commands import commands
from streams.decide.draft import Decision
from streams.decide.handlers import Handler
from streams.decide.policy import AssistantPolicy, MediaPolicy, Policy
from tests.support import webhooks
from tests.support.story import Story

JobOrder = ProcessMedia | ModelOrder
USAGE = Usage(model="gpt-4o-mini", seconds=0.5, tokens_in=100, tokens_out=20)
MIMES = {
    MessageKind.VOICE: "audio/ogg",
    MessageKind.DOCUMENT: "application/pdf",
    MessageKind.IMAGE: "image/jpeg",
    MessageKind.STICKER: "image/webp",
    MessageKind.AUDIO: "audio/mpeg",
    MessageKind.VIDEO: "video/mp4",
}


def policy(
    *handlers: Handler,
    quiet: float = 1,
    media: MediaPolicy | None = None,
    assistant: dict[str, object] | None = None,
    **settings: object,
) -> Policy:
    """A tenant whose model answers, and to whom files are read."""
    built_in = commands(Commands(), timedelta(minutes=30))
    told: dict[str, object] = {"is_responder": True, "quiet": timedelta(seconds=quiet)}
    return Policy(
        handlers=(*built_in, *handlers, Assistant()),
        idle_close=timedelta(hours=24),
        media=media or MediaPolicy(transcribes=True, describes=True),
        assistant=AssistantPolicy(**(told | (assistant or {}))),
        **settings,
    )


def stored(mime: str = "audio/ogg") -> StoredMedia:
    return StoredMedia(key="acme/00/00", sha256="00", mime=mime, size=3)


@dataclass
class AssistedStory(Story):
    """`sends`, `ends` and `fails` beside what a story has."""

    policy: Policy = field(default_factory=policy)

    def sends_file(self, kind: MessageKind = MessageKind.VOICE, **more: object) -> Decision:
        self.count += 1
        content = Content(kind=kind, media=Media(reference=f"file.{self.count}"))
        return self.hears(
            Message(
                platform_message_id=f"wamid.{self.count}",
                platform_timestamp=None,
                person=Person(platform_user_id=webhooks.USER),
                content=content,
                **more,
            )
        )

    def ends(self, order: JobOrder, **found: object) -> Decision:
        """The attempt has found what it looked for."""
        usual: dict[str, object] = {"text": f"Found by {order.job_id[:8]}", "usage": USAGE}
        if isinstance(order, ProcessMedia) and order.kind is JobKind.STORE:
            usual = {"stored": stored(MIMES[order.message_kind])}
        return self._report(order, usual | found)

    def fails(self, order: JobOrder, code: str = "service_down", **more: object) -> Decision:
        retryable = MEANINGS[JobFailureCode(code)].retryable
        return self._report(order, {"error_code": code, "retryable": retryable} | more)

    def _report(self, order: JobOrder, told: dict[str, object]) -> Decision:
        ended = JobReported(
            job_id=order.job_id,
            attempt=order.attempt,
            started_at=self.now,
            finished_at=self.now,
            **told,
        )
        report_id = identity.job_report_id(job=order.job_id, attempt=order.attempt)
        return self.take(self.told(ended, report_id))

    @property
    def files(self) -> list[ProcessMedia]:
        return [order for order in self.orders if isinstance(order, ProcessMedia)]

    @property
    def asked(self) -> list[GenerateAnswer]:
        return [order for order in self.orders if isinstance(order, GenerateAnswer)]

    @property
    def summaries(self) -> list[SummariseConversation]:
        return [order for order in self.orders if isinstance(order, SummariseConversation)]
