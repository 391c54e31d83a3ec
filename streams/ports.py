"""What the agents need from the world; the edge implements it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol, TypeVar

from providers.failures import Unknown
from providers.protocol import Credentials, Exchange
from providers.rates import Rate
from providers.sending import Mailing, Sent
from schemas.content import Json, Usage
from schemas.envelope import Record
from schemas.job_failures import JobFailureCode
from schemas.tenants import Account, Tenant

T = TypeVar("T")

Clock = Callable[[], datetime]
"""The present moment, aware, in UTC."""

Reach = Callable[[str], None]
"""Tells that a named point of the code is reached; a fault test may end the process there."""

Leaving = asyncio.Event
"""Set when an agent is to stop what it has not begun, and soon to finish what it has."""


class Unavailable(Exception):
    """A server that we depend on did not answer, or answered that it cannot now; try again."""


def pass_by(_point: str) -> None:
    """Reach no failpoint."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The effect is ours to bring about; `at` is the loop's time when we asked."""

    at: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The effect was brought about; `result` is the JSON of what it came to."""

    result: bytes


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The effect was begun, by another run or in vain by ours, and nobody noted how it ended."""


Claim = Claimed | Finished | Unfinished


class Ledger(Protocol):
    """Side effects by id: begun at most once, and how they ended. Raises `Unavailable`."""

    async def claim(self, effect_id: str) -> Claim:
        """Whether we may act; `Claimed` is durable before it is returned, and given once.

        Raises `ValueError` on what cannot be an id.
        """

    async def holds(self, effect_id: str) -> bool:
        """Whether the effect is still ours and unfinished."""

    async def finish(self, effect_id: str, result: bytes) -> bytes:
        """The JSON that the ledger holds as the result from now on: the first one noted."""

    async def release(self, effect_id: str) -> None:
        """Give a claim back that was not acted upon."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody who lives is about to bring the effect about."""


class Leases(Protocol):
    """Effects that may be repeated, but are dear: one at a time is at each.

    Who ends without a word loses the lease soon. Raises `Unavailable`.
    """

    async def take(self, effect_id: str) -> Claimed | Finished | Busy:
        """Whether we may act; a lease that is ours is kept until it is finished or released."""

    async def finish(self, effect_id: str, result: bytes) -> bytes:
        """The JSON that is held as the result from now on: the first one noted."""

    async def release(self, effect_id: str) -> None:
        """Let others have it: we came to nothing."""


@dataclass(frozen=True, slots=True)
class NotConnected:
    """The request was provably not made; `detail` holds no secret."""

    detail: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The request may have been made, and no whole answer came; `detail` holds no secret."""

    reason: Unknown
    detail: str


Trouble = NotConnected | Unanswered


class HttpClient(Protocol):
    """Makes the requests of an exchange."""

    async def drive(self, exchange: Exchange[T]) -> T | Trouble:
        """What the exchange came to, or why it got no answer; raises what the exchange raises."""


@dataclass(frozen=True, slots=True)
class Unsafe:
    """The request was not made: it leads to an address that must not be asked."""

    detail: str


Reserve = Callable[[int], Awaitable[None]]
"""Returns when there is room for so many bytes more."""


class Downloads(Protocol):
    """Makes the requests of exchanges that fetch files from where a provider says they are."""

    async def fetch(
        self, exchange: Exchange[T], base_url: str | None, reserve: Reserve
    ) -> T | Trouble | Unsafe:
        """What the exchange came to; raises what the exchange raises.

        The operator has named `base_url`, so that it is asked wherever it is. What is large is
        read once there is room.
        """


class Blobs(Protocol):
    """Files by what is in them: the same bytes are kept once. Raises `Unavailable`."""

    async def put(self, tenant: str, data: bytes, mime: str) -> str:
        """The key under which the tenant's file is kept from now on."""

    async def get(self, key: str) -> bytes | None:
        """The file, None where there is none; not checked against its key."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why nothing is to be found in a file."""

    code: JobFailureCode
    detail: str


@dataclass(frozen=True, slots=True)
class Document:
    """The text of each page of a document; `unread` are pages (from 0) that show more than it."""

    texts: tuple[str, ...]
    unread: tuple[int, ...]
    pages: int


class Files(Protocol):
    """Looks into files that anybody may have made, apart from ourselves and within limits.

    `whose` files they are decides who waits: nobody's keep all places.
    """

    def mime(self, data: bytes, told: str | None) -> str:
        """What the content is, whatever was told of it where it shows."""

    async def thumbnail(self, whose: str, data: bytes, mime: str) -> bytes | Unreadable:
        """A small JPEG of a picture, or of a document's first page."""

    async def picture(self, whose: str, data: bytes) -> bytes | Unreadable:
        """The picture as a JPEG that a model can look at."""

    async def document(self, whose: str, data: bytes) -> Document | Unreadable:
        """What is written in a PDF document."""

    async def page(self, whose: str, data: bytes, number: int) -> bytes | Unreadable:
        """A page (from 0) as a JPEG that a model can look at."""


class MailClient(Protocol):
    """Hands e-mails over."""

    async def post(self, mailing: Mailing) -> Sent | Trouble:
        """What the server's answer means, or why there is none; raises what the mailing raises."""


@dataclass(frozen=True, slots=True)
class Turn:
    """It is our turn in `wait` seconds, and nobody else's."""

    wait: float


@dataclass(frozen=True, slots=True)
class Crowded:
    """So many are before us that we got no turn; there may be room in `wait` seconds."""

    wait: float


AT_ONCE: Final = Turn(0.0)


class Limiter(Protocol):
    """Hands out turns, so that all processes together keep to a rate."""

    async def book(self, key: str, rate: Rate, longest: float) -> Turn | Crowded:
        """A turn within `longest` seconds for what counts against `key`, if there is one."""


class Unlimited:
    """Lets everybody go at once."""

    async def book(self, key: str, rate: Rate, longest: float) -> Turn | Crowded:  # noqa: ARG002  # a port
        """A turn at once."""
        return AT_ONCE


UNLIMITED: Final = Unlimited()


class ResultLog(Protocol):
    """Appends to the log."""

    async def append(self, topic: str, records: Sequence[Record], timeout: float) -> None:
        """Return when all records are in the log for good; raises `Unavailable`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """An account with its credentials; names of those that are not set are in `missing`."""

    account: Account
    credentials: Credentials
    missing: tuple[str, ...] = ()


class Tenants(Protocol):
    """The tenants as they stand now."""

    def tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant of that id."""


class AccountDirectory(Protocol):
    """The accounts that tenants have configured. Raises `Unavailable`."""

    async def access(self, *, tenant: str, provider: str, account: str) -> Access | None:
        """The account with its credentials as they are now; None if nobody configured it."""


class TenantLookup(Protocol):
    """The tenants, looked for anew where they are not known. Raises `Unavailable`."""

    async def tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant as it is now; None if nobody has configured it."""


class ViewStats(Protocol):
    """Tells how the view store does."""

    async def view_stats(self) -> Json:
        """Whether it is reachable, and what it counted."""


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of what a model is told."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Understood:
    """What a model answered, heard or saw; `language` is that of speech, where it is told."""

    text: str
    usage: Usage
    language: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFailure:
    """Why a model gave no whole answer; `detail` holds no secret, `usage` is paid in vain."""

    code: JobFailureCode
    detail: str
    retry_after_seconds: float | None = None
    usage: Usage | None = None


class Models(Protocol):
    """The models of tenants, called once each time. Raises `Unavailable`."""

    async def transcribe(
        self, tenant: str, sound: bytes, file_name: str, mime: str
    ) -> Understood | ModelFailure:
        """What is said in a recording."""

    async def see(
        self, tenant: str, pictures: Sequence[bytes], instruction: str
    ) -> Understood | ModelFailure:
        """What the model says of pictures, as `instruction` wants it."""

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
