"""`chatfold webhook`: see what a webhook body would become, or post one as its provider would."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from chatfold import settings
from chatfold.cli.explaining import Row, explain
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.cli.posting import Post, Posted, post_all
from chatfold.refusal import Refusal
from chatfold.tenancy.secrets import SecretMissing, Secrets
from providers.protocol import Provider
from providers.registry import PROVIDERS
from schemas import codec

app = typer.Typer(
    name="webhook",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""
    Webhooks by hand: `explain` shows what a body would become and posts nothing, `send` signs
    one as its provider would and posts it to the gateway.

    `chatfold/demo/samples/` holds a body of every kind for every provider.
    """,
)

_WORDS: Final = 40
_PIPED_WIDTH: Final = 160
_COLUMNS: Final = {
    "kind": ("kind",),
    "account": ("account",),
    "chat": ("chat",),
    "message": ("message_kind", "status", "notice"),
    "direction": ("direction",),
    "words": ("text", "caption", "error_message", "target", "reason"),
    "message id": ("message_id",),
}

File = Annotated[Path, typer.Argument(help="File with the body, or - for standard input.")]


@app.command(name="explain")
def explain_(
    provider: Annotated[str, typer.Argument(help=f"One of: {', '.join(PROVIDERS)}.")],
    file: File,
    as_json: AsJson = False,
) -> None:
    """Show what a webhook body would become: every item, its chat, its kind, its words.

    Nothing is posted, and no server is needed. The exit code is 2 if the file is not JSON.
    """
    with explained():
        told = explain(_provider(provider), _json(file))
    if as_json:
        print_json(told)
    else:
        _show(told)


@app.command()
def send(
    file: File,
    *,
    provider: Annotated[str, typer.Option("--provider", "-p", help="Whose webhook it is.")],
    tenant: Annotated[
        str | None, typer.Option(help="Post to this tenant's path; else the account tells.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The gateway; default: the one of the settings.")
    ] = None,
    secret_ref: Annotated[
        str | None,
        typer.Option(
            "--secret-ref", help="env:NAME or file:PATH of the secret to sign with; else unsigned."
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How often to post the same body.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, max=1000, help="How many at once.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Post a body to the gateway, signed by the provider's rule.

    The exit code is 1 if any answer is not a 2xx.
    """
    with explained():
        known, body = _provider(provider), _read(file)
        headers = {
            "content-type": "application/json",
            **_signature(known, body, secret_ref, tenant),
        }
        target = _target(url, provider, tenant)
    post = Post(url=target, body=body, headers=headers)
    posts = asyncio.run(post_all(post, count=count, concurrency=concurrency))
    if as_json:
        print_json({"url": target, "posts": [asdict(one) for one in posts]})
    else:
        _tell(target, posts)
    if not all(one.accepted for one in posts):
        raise typer.Exit(1)


def _provider(name: str) -> Provider:
    if name not in PROVIDERS:
        raise Refusal(f"there is no provider {name!r}; known: {', '.join(PROVIDERS)}")
    return PROVIDERS[name]


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}") from None


def _json(file: Path) -> object:
    try:
        return codec.loads(_read(file))
    except ValueError as error:
        raise Refusal(f"{file} is not JSON: {error}") from None


def _signature(
    provider: Provider, body: bytes, reference: str | None, tenant: str | None
) -> Mapping[str, str]:
    if reference is None:
        return {}
    try:
        secret = Secrets.from_environment().resolve(reference, tenant=tenant)
        return provider.sign(body, secret)
    except SecretMissing as error:
        raise Refusal(f"--secret-ref {reference}: {error}") from None


def _target(url: str | None, provider: str, tenant: str | None) -> str:
    if url is None:
        loaded = settings.load()
        url = f"http://{loaded.gateway_host}:{loaded.gateway_port}"
    path = f"{provider}/{tenant}" if tenant else provider
    return f"{url.rstrip('/')}/webhooks/{path}"


def _tell(url: str, posts: Sequence[Posted]) -> None:
    console = Console()
    for one in posts:
        status = "no answer" if one.status is None else str(one.status)
        line = Text.assemble(
            (status, "green" if one.accepted else "red"), f"  {one.milliseconds} ms  {one.answer}"
        )
        console.print(line)
    accepted = sum(one.accepted for one in posts)
    console.print(f"{accepted} of {len(posts)} accepted by {url}", highlight=False)


def _show(told: Row) -> None:
    rows = told["items"]
    assert isinstance(rows, list)
    table = Table(*(Column(name, no_wrap=True) for name in _COLUMNS), box=None)
    for row in rows:
        table.add_row(*(Text(_short(_cell(row, keys))) for keys in _COLUMNS.values()))
    console = Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    console.print(table)
    console.print(f"{len(rows)} items of {told['provider']}; --json shows all of each")


def _cell(row: Row, keys: Sequence[str]) -> str:
    return next((str(row[key]) for key in keys if row.get(key) not in {None, ""}), "-")


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _WORDS else line[: _WORDS - 1] + "\N{HORIZONTAL ELLIPSIS}"
