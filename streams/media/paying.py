"""Who has paid for what a model said of some bytes, and what that costs whom; pure.

A result is noted with the attempt that paid for it: whoever comes to it later pays nothing, and
the attempt itself, made again after a crash, still tells what it paid.
"""

from collections.abc import Iterable

from schemas import codec, identity
from schemas.content import JobKind, Usage
from schemas.value import Value
from schemas.work import ProcessMedia
from streams.media.texts import storable
from streams.ports import Understood


class Paid(Value, frozen=True, kw_only=True):
    """What a model said, and the attempt that paid for it."""

    job_id: str
    attempt: int
    text: str
    usage: Usage
    language: str | None = None


def effect_id(kind: JobKind, *, tenant: str, sha256: str, asked: Iterable[str]) -> str:
    """The id of asking what is in some bytes; `asked` is the model and all that matters to it."""
    return f"{kind}:{identity.derive('reading', tenant, kind, sha256, *asked)}"


def noted(understood: Understood, order: ProcessMedia) -> bytes:
    """What the ledger keeps."""
    return codec.dumps(
        Paid(
            job_id=order.job_id,
            attempt=order.attempt,
            text=storable(understood.text),
            usage=understood.usage,
            language=understood.language,
        )
    )


def found(result: bytes, order: ProcessMedia) -> Understood:
    """What the ledger keeps, at what it costs this attempt."""
    paid = codec.decode(Paid, result)
    is_ours = (paid.job_id, paid.attempt) == (order.job_id, order.attempt)
    return Understood(paid.text, paid.usage if is_ours else _free(paid.usage), paid.language)


def summed(usages: Iterable[Usage]) -> Usage | None:
    """The cost of several calls, None of none; `reused` if nothing was paid for any."""
    told = list(usages)
    if not told:
        return None
    return Usage(
        model=told[0].model,
        seconds=sum(one.seconds for one in told),
        tokens_in=_sum(one.tokens_in for one in told),
        tokens_out=_sum(one.tokens_out for one in told),
        cost_micros=_sum(one.cost_micros for one in told),
        reused=all(one.reused for one in told),
    )


def _free(usage: Usage) -> Usage:
    return Usage(model=usage.model, seconds=0.0, reused=True)


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [one for one in counts if one is not None]
    return sum(known) if known else None
