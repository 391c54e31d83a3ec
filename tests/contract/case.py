"""What the contract needs to know of one provider."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from providers.failures import FailureCode
from providers.protocol import HttpResponse
from tests.support.exchanges import answer


@dataclass(frozen=True, kw_only=True)
class Case:
    """A provider's words for what every provider can say."""

    name: str
    text: Callable[[str, str, object], Any]
    """The body of a text `words` with number `n`, sent at `time`."""
    batch: Callable[[int], Any]
    """A body of as many messages as asked for, or of as many as the provider can hold."""
    unknown_type: Any
    signs_body: bool
    credentials: Mapping[str, str]
    base_url: str | None = None
    """Where the provider is, None where it knows that itself."""
    to: str
    sent: HttpResponse
    sent_id: str
    refusals: Sequence[tuple[HttpResponse, FailureCode]]
    error: Callable[[int, str], Any]
    """An error body of the provider's own that repeats the given words."""
    media: str
    found: Callable[[int], HttpResponse] | None
    """The answer that tells where a file of so many bytes is; None if the first is the file."""
    elsewhere: HttpResponse | None
    """The answer that tells of a place that is not the provider's."""
    file: Callable[[bytes], HttpResponse] = field(default=partial(answer, 200))
    """The answer that is the file."""
    first_name: str | None = "Ada"
    """The sender of a text by their first name, None if the provider tells none."""
    has_public_media: bool = False
    """Whether a file is fetched without credentials."""
    gives_links: bool = False
    """Whether a dead link to a file is asked for once more."""
    also: Mapping[str, Any] = field(default_factory=dict)
    """Bodies that show what no sample of the provider does, by names like theirs."""
    lacks: frozenset[str] = frozenset()
    """Which of `features.FEATURES` the provider cannot tell."""
    secret_words: Callable[[str], Sequence[Any]] = lambda _: ()
    """Bodies with the word in each place where the provider puts what opens something."""
