"""What everything that sends has in common, whether or not people can write to us through it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from providers.failures import SendFailure, Unconfirmed
from providers.protocol import Accepted, Credentials, Exchange, HttpRequest, Outgoing
from schemas.content import Platform

Sent = Accepted | SendFailure | Unconfirmed

Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where e-mail is handed over, and as whom; without a `user` nobody logs in."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """An e-mail; the edge dates it."""

    server: MailServer
    sender: str
    sender_name: str
    recipient: str
    subject: str
    text: str = field(repr=False)
    message_id: str


@dataclass(frozen=True, slots=True)
class MailAnswer:
    """The server's last answer, an SMTP code and its words."""

    code: int
    words: str


@dataclass(frozen=True, slots=True)
class Mailing:
    """An e-mail for the edge to hand over, and what the server's answer to it means."""

    mail: Mail
    judge: Callable[[MailAnswer], Sent]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PushRequest(HttpRequest):
    """A request whose body the edge encrypts for the browser, and signs for the push service.

    `receiver_key` and `receiver_secret` are the subscription's; `sender_key` is ours, whose
    owner `contact` names.
    """

    receiver_key: str
    receiver_secret: str
    sender_key: str
    contact: str


class Channel(Protocol):
    """A way to send; every provider is one."""

    @property
    def name(self) -> str:
        """The name in settings and records, as `twilio_sms`."""

    @property
    def platform(self) -> Platform:
        """Where its people are."""

    @property
    def required_credentials(self) -> tuple[str, ...]:
        """The names of the credentials that it cannot do without."""

    def send(
        self, message: Outgoing, credentials: Credentials, base_url: str | None
    ) -> Exchange[Sent] | Mailing | SendFailure:
        """What sends a message, or why it cannot be sent."""
