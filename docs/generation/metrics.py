"""Every metric of every role, with what to do when it rises."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from prometheus_client.core import Metric as Family
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

from docs.generation import ROOT, Documents
from docs.generation.markdown import code, codes, page, table

PACKAGES = ("chatfold", "streams", "projections")
ALSO = ("chatfold.telemetry",)
INTRODUCTION = """\
Every role serves these on `/metrics` of its own port, those of its area only as far as it uses
them. Names end in their unit; labels come from closed sets and never hold a chat, a message or a
person. Histograms have `_bucket`, `_sum` and `_count`."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it is scraped."""

    name: str
    kind: str
    labels: tuple[str, ...]
    what: str


def documents() -> Documents:
    """The page of metrics, area by area."""
    areas = [f"## `{module}`\n\n{_table(module)}" for module in modules()]
    return {"docs/reference/metrics.md": page("Metrics", INTRODUCTION, *areas)}


def modules() -> list[str]:
    """The modules that declare metrics."""
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("metrics.py"))
    named = (".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files)
    return sorted((*named, *ALSO))


def metrics(module: str) -> Iterator[Metric]:
    """The metrics of a module, in the order in which it declares them."""
    for declared in vars(import_module(module)).values():
        if isinstance(declared, MetricWrapperBase):
            (family,) = declared.describe()
            yield _metric(family, tuple(declared._labelnames))  # noqa: SLF001  # told nowhere else
        elif Collector in type(declared).__mro__:  # a protocol that isinstance refuses
            for family in declared.collect():
                yield _metric(family, tuple(getattr(family, "_labelnames", ())))


def _metric(family: Family, labels: tuple[str, ...]) -> Metric:
    suffix = "_total" if family.type == "counter" else ""
    return Metric(family.name + suffix, family.type, labels, family.documentation)


def _table(module: str) -> str:
    rows = [(code(one.name), one.kind, codes(one.labels), one.what) for one in metrics(module)]
    return table(("metric", "kind", "labels", "what it tells, and what to do"), rows)
