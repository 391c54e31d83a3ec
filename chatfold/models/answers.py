"""An answer as it comes in pieces, and whether it is a whole one."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

from chatfold.models import failures
from providers.reading import clean, items, mapping
from schemas import codec
from schemas.content import Json, Usage
from schemas.job_failures import JobFailureCode
from streams.ports import ModelFailure, Understood

LONGEST_ANSWER: Final = 1_000_000
"""Characters; many times what `answer_tokens` allows. A service that never ends ends here."""

_DATA: Final = "data:"
_LAST: Final = "[DONE]"
_WHOLE: Final = frozenset({"stop", "eos", "eos_token", "end_turn", "stop_sequence"})
_EARLY: Final = frozenset({"length", "max_tokens"})
MORE: Final = " \N{HORIZONTAL ELLIPSIS}"
"""Stands where an answer came to the number of tokens that it may have."""


@dataclass(slots=True)
class Gathered:
    """What has come of a streamed chat completion so far."""

    parts: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    finish: str | None = None
    usage: Json = field(default_factory=dict)
    wrong: ModelFailure | None = None
    length: int = 0

    @property
    def ends_early(self) -> bool:
        """Whether it came to the number of tokens that it may have."""
        return self.finish in _EARLY

    async def read(self, lines: AsyncIterator[str], on_finish: Callable[[], None]) -> None:
        """Take the events of a stream until the last, or until one that is wrong."""
        async for line in lines:
            data = line.removeprefix(_DATA).strip() if line.startswith(_DATA) else ""
            if data == _LAST:
                return
            was_finished = self.finish is not None
            if data:
                self._take_event(data)
            if self.wrong is not None:
                return
            if self.finish is not None and not was_finished:
                on_finish()

    def _take_event(self, data: str) -> None:
        try:
            self._take(mapping(codec.loads(data.encode())))
        except ValueError as error:
            self.wrong = failures.failure(JobFailureCode.MALFORMED_ANSWER, f"no JSON: {error}")
        if self.length > LONGEST_ANSWER:
            self.wrong = failures.failure(JobFailureCode.MALFORMED_ANSWER, "the answer never ends")

    def _take(self, chunk: Json) -> None:
        if chunk.get("error"):
            self.wrong = failures.told(mapping(chunk["error"]))
        self.usage = mapping(chunk.get("usage")) or self.usage
        for choice in map(mapping, items(chunk.get("choices"))[:1]):
            delta = mapping(choice.get("delta"))
            self._add(self.parts, delta.get("content"))
            self._add(self.refusal, delta.get("refusal"))
            finish = choice.get("finish_reason")
            self.finish = finish if isinstance(finish, str) else self.finish

    def _add(self, to: list[str], words: object) -> None:
        if isinstance(words, str):
            to.append(words)
            self.length += len(words)


def judged(gathered: Gathered, usage: Usage, *, may_be_empty: bool) -> Understood | ModelFailure:
    """The answer, if it is a whole one.

    One that came to the number of tokens it may have is taken, with a mark at its end: asked
    again, the model would end it at the same place.
    """
    wrong = gathered.wrong or _wrong(gathered, may_be_empty=may_be_empty)
    if wrong is not None:
        return ModelFailure(wrong.code, wrong.detail, wrong.retry_after_seconds, usage)
    text = clean("".join(gathered.parts)).strip()
    return Understood(text + MORE if gathered.ends_early else text, usage)


def _wrong(gathered: Gathered, *, may_be_empty: bool) -> ModelFailure | None:
    """Why what came is no whole answer."""
    finish, is_empty = gathered.finish, not "".join(gathered.parts).strip()
    if finish is None:
        return failures.failure(JobFailureCode.MALFORMED_ANSWER, "the answer was cut off")
    if finish == "content_filter":
        return failures.failure(JobFailureCode.REFUSED, "the service's content filter ended it")
    if gathered.refusal:
        said = "".join(gathered.refusal)
        return failures.failure(JobFailureCode.REFUSED, f"the model refuses: {said}")
    if finish not in _WHOLE | _EARLY:
        return failures.failure(JobFailureCode.MALFORMED_ANSWER, f"it ended with {finish}")
    if is_empty and gathered.ends_early:
        return failures.failure(
            JobFailureCode.REFUSED, "the model used up all tokens before it said anything"
        )
    if is_empty and not may_be_empty:
        return failures.failure(JobFailureCode.MALFORMED_ANSWER, "the answer is empty")
    return None
