"""What shall go wrong, for which requests, how often."""

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

MOST_FAULTS: Final = 10_000


class FaultKind(StrEnum):
    """How a request goes wrong.

    A number is the HTTP status of a refusal in the provider's own words. `lost_answer` and
    `malformed` take the message; the cut ones do not.
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

    @property
    def status(self) -> int | None:
        """The HTTP status of a refusal."""
        return int(self) if self.isdecimal() else None

    @property
    def takes_the_message(self) -> bool:
        """Whether the provider has the message nevertheless."""
        return self in {FaultKind.SLOW, FaultKind.LOST_ANSWER, FaultKind.MALFORMED}


class Strict(BaseModel):
    """Frozen, and refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(Strict):
    """Requests of which all that is named here is true; `text` is looked for within theirs."""

    provider: str | None = None
    account: str | None = None
    to: str | None = None
    text: str | None = None

    def fits(self, *, provider: str, account: str, to: str | None, text: str | None) -> bool:
        """Whether a request is meant."""
        return (
            self.provider in {None, provider}
            and self.account in {None, account}
            and self.to in {None, to}
            and (self.text is None or self.text in (text or ""))
        )


class Fault(Strict):
    """One fault; `times` None is for ever, `delay` is for slow ones."""

    fault: FaultKind
    match: Match = Match()
    times: int | None = Field(1, ge=1)
    retry_after: int | None = Field(None, ge=0, le=86_400)
    delay: float = Field(5.0, ge=0, le=600)


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
        self, *, provider: str, account: str, to: str | None, text: str | None
    ) -> Fault | None:
        """The fault that befalls a request."""
        for index, (fault, left) in enumerate(self._left):
            if fault.match.fits(provider=provider, account=account, to=to, text=text):
                self._use(index, fault, left)
                return fault
        return None

    def _use(self, index: int, fault: Fault, left: int | None) -> None:
        if left == 1:
            del self._left[index]
        elif left is not None:
            self._left[index] = (fault, left - 1)
