"""A rebuild's progress as a bar for people and as lines of JSON for programs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn

from chatfold.cli.output import print_json
from chatfold.rebuilding import progress
from chatfold.rebuilding.progress import Show


@contextmanager
def shown(*, as_json: bool) -> Iterator[Show]:
    """What shows the progress while the block runs."""
    if as_json:
        yield _print
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("begins", total=None, told="")

        def show(found: progress.Progress) -> None:
            bar.update(
                task,
                description=f"{found.build}: {found.step}",
                completed=found.records,
                total=found.total,
                told=_told(found),
            )

        yield show


def _print(found: progress.Progress) -> None:
    """A line that a program sees at once, through a pipe too."""
    print_json(asdict(found) | {"ratio": round(found.ratio, 4)})
    sys.stdout.flush()


def _told(found: progress.Progress) -> str:
    left = "?" if found.seconds_left is None else f"{found.seconds_left:.0f} s"
    return f"{found.per_second:,.0f}/s, {left} left, {found.behind_live:,} behind live"
