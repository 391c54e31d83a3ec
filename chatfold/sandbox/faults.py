"""What shall go wrong, for which requests, how often."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

MOST_FAULTS: Final = 10_000


class FaultKind(StrEnum):
    """How a request goes wrong.

    A number is the HTTP status of a refusal in the provider's own words. `lost_answer` and
    `malformed` take the message; the cut ones do not. Those from `cut_stream` on befall models,
    those from `wrong_sha` on files.
    """

    BAD_REQUEST = "400"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    TOO_MANY = "429"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    SLOW = "slow"
    CUT_BEFORE_READ = "cut_before_read"
    CUT_AFTER_READ = "cut_after_read"
    LOST_ANSWER = "lost_answer"
    MALFORMED = "malformed"
    CUT_STREAM = "cut_stream"
    NO_FINISH = "no_finish"
    STREAMED_ERROR = "streamed_error"
    CONTENT_FILTER = "content_filter"
    ENDED_EARLY = "ended_early"
    QUOTA = "quota"
    WRONG_SHA = "wrong_sha"
    WRONG_MIME = "wrong_mime"
    EXPIRED = "expired"
    PRIVATE_REDIRECT = "private_redirect"
    ENDLESS = "endless"

    @property
    def status(self) -> int | None:
        """The HTTP status of a refusal."""
        return int(self) if self.isdecimal() else None

    @property
    def takes_the_message(self) -> bool:
        """Whether the provider has the message nevertheless."""
        return self in {FaultKind.SLOW, FaultKind.LOST_ANSWER, FaultKind.MALFORMED}


OF_MODELS: Final = frozenset(
    {
        FaultKind.CUT_STREAM,
        FaultKind.NO_FINISH,
        FaultKind.STREAMED_ERROR,
        FaultKind.CONTENT_FILTER,
        FaultKind.ENDED_EARLY,
        FaultKind.QUOTA,
    }
)
OF_FILES: Final = frozenset(
    {
        FaultKind.WRONG_SHA,
        FaultKind.WRONG_MIME,
        FaultKind.EXPIRED,
        FaultKind.PRIVATE_REDIRECT,
        FaultKind.ENDLESS,
    }
)
OF_ALL: Final = frozenset(FaultKind) - OF_MODELS - OF_FILES


class Strict(BaseModel):
    """Frozen, and refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(Strict):
    """Requests of which all that is named here is true; `text` is looked for within theirs.

    Only where `method` is `media` do the faults of all requests befall the fetching of files.
    """

    provider: str | None = None
    account: str | None = None
    to: str | None = None
    text: str | None = None
    method: str | None = None

    def fits(
        self,
        *,
        provider: str,
        account: str,
        to: str | None,
        text: str | None,
        method: str | None = None,
    ) -> bool:
        """Whether a request is meant."""
        return (
            self.provider in {None, provider}
            and self.account in {None, account}
            and self.to in {None, to}
            and self.method in {None, method}
            and (self.text is None or self.text in (text or ""))
        )


class Fault(Strict):
    """One fault; `times` None is for ever, `delay` is for slow ones."""

    fault: FaultKind
    match: Match = Match()
    times: int | None = Field(1, ge=1)
    retry_after: int | None = Field(None, ge=0, le=86_400)
    delay: float = Field(5.0, ge=0, le=600)


Suffers = Callable[[Fault], bool]
"""Whether a fault can befall requests of a sort."""


def befalls_all(fault: Fault) -> bool:
    """Whether a fault can befall any request."""
    return fault.fault in OF_ALL


class Faults:
    """The faults that are ordered, first come first served."""

    def __init__(self) -> None:
        self._left: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Order a fault; raises `ValueError` if there are too many."""
        if len(self._left) >= MOST_FAULTS:
            raise ValueError(f"more than {MOST_FAULTS} faults")
        self._left.append((fault, fault.times))

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._left.clear()

    def ordered(self) -> list[dict[str, object]]:
        """The faults with the times that are left."""
        return [fault.model_dump(mode="json") | {"left": left} for fault, left in self._left]

    def take(
        self,
        *,
        provider: str,
        account: str,
        to: str | None,
        text: str | None,
        method: str | None = None,
        suffers: Suffers = befalls_all,
    ) -> Fault | None:
        """The fault that befalls a request."""
        for index, (fault, left) in enumerate(self._left):
            if suffers(fault) and fault.match.fits(
                provider=provider, account=account, to=to, text=text, method=method
            ):
                self._use(index, fault, left)
                return fault
        return None

    def _use(self, index: int, fault: Fault, left: int | None) -> None:
        if left == 1:
            del self._left[index]
        elif left is not None:
            self._left[index] = (fault, left - 1)
