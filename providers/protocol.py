"""What every provider's module gives: verify, split, parse, and exchanges without IO."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from providers.failures import SendFailure, Unconfirmed
from providers.pieces import TextLimit
from schemas.content import Content, Json, Media, Person, Platform, Status
from schemas.inputs import ItemKind
from schemas.value import Value

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request as it came: raw body, lower-case header names, query parameters.

    All three can hold secrets or words of a message; `repr` shows none of them.
    """

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


class Item(Value, frozen=True, kw_only=True):
    """One thing that a webhook tells, before it is read.

    `account` is the provider's name of the receiving account, None where only the
    webhook's secret or path tells it; `platform_user_id` names the chat (the group's id in
    a group; "" where the item belongs to the account as a whole); `message_id` is stable
    over redeliveries and, with `kind`, unique within the account; `fragment` holds all
    that `parse` needs and no secret.
    """

    kind: ItemKind
    account: str | None
    platform_user_id: str
    message_id: str
    fragment: Json


class Message(Value, frozen=True, kw_only=True):
    """Somebody wrote.

    `reply_to` is the platform id of what it answers; `speaker` is who wrote it in a group.
    `from_human` marks what the business wrote, as its own phone or app tells: then `person`
    is the customer it was written to, otherwise who wrote. `is_own` marks what the business
    sent through the API, by us or by another program; `reference` is what we gave the
    provider with it. `is_history` marks what was imported, long after it was written.
    `also_known_as` holds other `platform_user_id`s by which the provider names this chat.
    """

    platform_message_id: str
    platform_timestamp: datetime | None
    person: Person
    content: Content
    reply_to: str | None = None
    speaker: str | None = None
    is_group: bool = False
    from_human: bool = False
    is_own: bool = False
    is_history: bool = False
    reference: str | None = None
    also_known_as: tuple[str, ...] = ()


class StatusReport(Value, frozen=True, kw_only=True):
    """How a sent message fares. `reference` is what we gave the provider with it."""

    platform_message_id: str
    status: Status
    reported_at: datetime | None
    reference: str | None = None
    error_code: str | None = None
    error_message: str | None = None


class Edit(Value, frozen=True, kw_only=True):
    """`target` (a platform message id) has new content."""

    target: str
    content: Content


class Deletion(Value, frozen=True, kw_only=True):
    """`target` (a platform message id) was taken back."""

    target: str


class Notice(Value, frozen=True, kw_only=True):
    """Something that is not a message and is never answered; `notice` is the provider's word.

    `also_known_as` holds other `platform_user_id`s by which the provider names this chat;
    `moved_to` is the only one it is reached by from now on, as when a group moves.
    """

    notice: str
    detail: Json
    person: Person | None = None
    is_group: bool = False
    also_known_as: tuple[str, ...] = ()
    moved_to: str | None = None


class Unrecognised(Value, frozen=True, kw_only=True):
    """A shape that nobody foresaw."""

    reason: str


Incoming = Message | StatusReport | Edit | Deletion | Notice | Unrecognised


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request for the edge to make, without following a redirect.

    `secrets` are words to strike from logs and errors; `repr` shows none of them.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    secrets: tuple[str, ...] = ()
    max_bytes: int = 1_000_000

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.struck(self.url)})"

    def struck(self, text: str) -> str:
        """`text`, such as the words of a client's error, without the secrets."""
        for secret in filter(None, self.secrets):
            text = text.replace(secret, "***")
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What came back: status, lower-case header names, body of at most `max_bytes`."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took the message and named it (None where it gave no name)."""

    platform_message_id: str | None
    http_status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to send. `reference` comes back in statuses where the provider allows it."""

    account: str
    to: str
    content: Content
    reply_to: str | None
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message of the chat `platform_user_id` that reached our `account`."""

    account: str
    platform_user_id: str
    platform_message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file as the provider gave it."""

    data: bytes
    mime: str | None


Credentials = Mapping[str, str]
Exchange = Generator[HttpRequest, HttpResponse, T]


class Provider(Protocol):
    """One provider. All functions are pure; none but `read` raises, on what is not JSON.

    An exchange can end before its first request, where there is nothing to ask.
    """

    @property
    def name(self) -> str:
        """The name in URLs, settings and records, as `whatsapp_cloud`."""

    @property
    def platform(self) -> Platform:
        """Where its people are."""

    @property
    def session_window(self) -> timedelta | None:
        """How long after a person's last message replies are taken, None for ever."""

    @property
    def takes_templates(self) -> bool:
        """Whether an approved template is taken where other replies are not any more."""

    @property
    def text_limit(self) -> TextLimit:
        """The longest text that it takes."""

    @property
    def required_credentials(self) -> tuple[str, ...]:
        """The names of the credentials that requests need."""

    def verify(self, webhook: Webhook, secret: str) -> bool:
        """Whether `secret` proves the webhook authentic, compared in constant time."""

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:
        """The headers by which `verify` knows the provider's own webhooks."""

    def challenge(self, query: Mapping[str, str], verify_token: str) -> str | None:
        """What to answer to the provider's GET check, None if it is not a good one."""

    def split(self, body: object) -> Sequence[Item]:
        """The items of a parsed body; an unforeseen shape is one `unrecognised` item."""

    def read(self, body: bytes) -> Sequence[Item]:
        """`split(codec.loads(body))`, by a shorter way where there is one; raises `ValueError`.

        A fragment may hold parts as they were written (`msgspec.Raw`).
        """

    def parse(self, kind: ItemKind, fragment: Json) -> Incoming:
        """What an item says."""

    def send(
        self, message: Outgoing, credentials: Credentials, base_url: str | None
    ) -> Exchange[Accepted | SendFailure | Unconfirmed]:
        """The exchange that sends a message; a 2xx or 5xx that says nothing is `Unconfirmed`."""

    def mark_read(
        self, message: Heard, credentials: Credentials, base_url: str | None
    ) -> Exchange[None]:
        """The exchange that shows the user that a message was read."""

    def show_typing(
        self, message: Heard, credentials: Credentials, base_url: str | None
    ) -> Exchange[None]:
        """The exchange that shows the user that an answer to a message is being written."""

    def fetch_media(
        self, media: Media, credentials: Credentials, base_url: str | None, max_bytes: int
    ) -> Exchange[Fetched | SendFailure]:
        """The exchange that downloads a file."""
