"""The report: how many replies differ, which, side by side, and what models took; HTML or JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from chatfold.whatif.turns import Turn
from schemas import codec
from schemas.content import Usage

SHOWN: Final = 500  # differing messages in the page; the JSON has all


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What models took: calls, tokens, millionths of a dollar where known, seconds of a call."""

    calls: int
    tokens_in: int
    tokens_out: int
    cost_micros: int | None
    p50_seconds: float | None
    p95_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was asked, and each message that was decided again."""

    handler: str | None
    prompt: str | None
    model: str | None
    tenant: str | None
    since: datetime
    until: datetime
    made_at: datetime
    inputs: int
    unknown: int
    turns: Sequence[Turn]
    was_calls: Sequence[Usage] = ()
    would_calls: Sequence[Usage] = ()

    @property
    def differing(self) -> list[Turn]:
        """The messages whose replies differ, the oldest first."""
        return [turn for turn in self.turns if turn.differs]

    @property
    def errors(self) -> int:
        """Messages at which the other behaviour fails."""
        return sum(bool(turn.would_errors) for turn in self.turns)

    @property
    def was_cost(self) -> Cost:
        """What models took then: for answers, files, summaries, and in vain."""
        return _cost(self.was_calls)

    @property
    def would_cost(self) -> Cost:
        """What the others take."""
        return _cost(self.would_calls)

    def json(self) -> bytes:
        """The report for programs."""
        return codec.dumps(
            {
                "handler": self.handler,
                "prompt": self.prompt,
                "model": self.model,
                "tenant": self.tenant,
                "from": self.since,
                "until": self.until,
                "made_at": self.made_at,
                "inputs": self.inputs,
                "inputs_of_unknown_tenants": self.unknown,
                "messages": len(self.turns),
                "differing": len(self.differing),
                "failing": self.errors,
                "cost": {"was": self.was_cost, "would_be": self.would_cost},
                "turns": [{"differs": turn.differs, "turn": turn} for turn in self.turns],
            }
        )

    def html(self) -> str:
        """The report as a page of its own: no script, nothing from elsewhere."""
        environment = Environment(
            loader=PackageLoader("chatfold.whatif", "."),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        page = environment.get_template("report.html.jinja")
        return page.render(report=self, shown=self.differing[:SHOWN], most=SHOWN)


def _cost(usages: Iterable[Usage]) -> Cost:
    paid = list(usages)
    costs = [one.cost_micros for one in paid if one.cost_micros is not None]
    seconds = sorted(one.seconds for one in paid)
    return Cost(
        calls=len(paid),
        tokens_in=sum(one.tokens_in or 0 for one in paid),
        tokens_out=sum(one.tokens_out or 0 for one in paid),
        cost_micros=sum(costs) if costs else None,
        p50_seconds=_percentile(seconds, 50),
        p95_seconds=_percentile(seconds, 95),
    )


def _percentile(values: Sequence[float], percent: int) -> float | None:
    if len(values) < 2:
        return values[0] if values else None
    return quantiles(values, n=100, method="inclusive")[percent - 1]
