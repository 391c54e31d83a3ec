"""`chatfold whatif`: what people would have read, had another handler, prompt or model answered."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chatfold import clock, moments, settings
from chatfold.cli.choosing import moment
from chatfold.cli.output import AsJson, explained, plain
from chatfold.refusal import Refusal
from chatfold.whatif.asked import WhatIf, what_if
from chatfold.whatif.report import Report


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="whatif")(whatif)


def whatif(
    *,
    handler: Annotated[
        str | None, typer.Option(help="In place of the tenant's own handlers, as PKG:NAME.")
    ] = None,
    prompt: Annotated[
        Path | None, typer.Option(help="A file with another system prompt; the model is asked.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Another model; it is asked.")] = None,
    since: Annotated[str, typer.Option("--from", help=f"From then on: {moments.WAYS}.")] = "1d",
    until: Annotated[str | None, typer.Option(help="Until then, told likewise; else now.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report there, as a page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide recorded messages again with other behaviour, and show which replies differ.

    Inputs are read from the log, each chat begins as it was, and the decision that runs live is
    made with the other handler, prompt or model. Nothing is sent and nothing is written but the
    report. Models are asked only with `--prompt` or `--model`; what they cost is shown. What was
    reported of sends, files and answers counts where the decision still asks for it.

    `chatfold whatif --handler louder:louder --from 2h`

    `chatfold whatif --prompt new.txt --from 2026-01-05 --until 2026-01-06 --tenant acme`
    """
    with explained():
        begin, end = moment(since), moment(until) or clock.now()
        assert begin is not None  # it has a default
        wanted = WhatIf(
            handler=handler,
            prompt=_read(prompt),
            model=model,
            since=begin,
            until=end,
            tenant=tenant,
        )
        report = asyncio.run(what_if(settings.load(), wanted))
        if html is not None:
            html.write_text(report.html(), encoding="utf-8")
    if as_json:
        print(report.json().decode())
    else:
        _show(report, html)


def _read(file: Path | None) -> str | None:
    try:
        return None if file is None else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{file} cannot be read: {error}") from None


def _show(report: Report, html: Path | None) -> None:
    console = Console(soft_wrap=True)
    differing = report.differing
    console.print(
        f"{len(differing)} of {len(report.turns)} messages would be answered differently"
        f" ({report.inputs} inputs decided again, {report.errors} fail); nothing was sent",
        style="bold",
    )
    for turn in differing[:20]:
        console.print(plain(f"\n{turn.message.time:%Y-%m-%d %H:%M:%S}  {turn.message.text}"))
        console.print(plain(f"  - {' | '.join(turn.was) or '(no reply)'}"), style="red")
        console.print(plain(f"  + {' | '.join(turn.would) or '(no reply)'}"), style="green")
    if html is None and len(differing) > 20:
        print("\n… the rest with --html FILE or --json")
    elif html is not None:
        print(f"\n{html} has them side by side")
