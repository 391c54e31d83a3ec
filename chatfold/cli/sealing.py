"""`chatfold tenants encrypt` and `keys new`: secrets and keys go in and out by pipes alone."""

import getpass
import sys
from datetime import date
from typing import Annotated

import typer
from rich.console import Console

from chatfold import clock
from chatfold.cli.output import explained
from chatfold.refusal import Refusal
from chatfold.tenancy import Secrets, sealing

keys = typer.Typer(name="keys", no_args_is_help=True, help="Master keys that encrypt secrets.")


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(encrypt)
    app.add_typer(keys)


def encrypt(
    tenant_id: Annotated[str, typer.Argument(help="Id of the tenant that is to have the secret.")],
) -> None:
    """Read a secret from standard input, and print it encrypted, for a tenant's file or the API.

    It is encrypted under the first of CHATFOLD_MASTER_KEYS, and of use to this tenant alone.
    """
    with explained():
        master_keys = Secrets.from_environment().keys
        master_keys.first  # noqa: B018  # before anybody types a secret in vain
        print(master_keys.seal(_secret(), tenant=tenant_id).reference)


@keys.command()
def new(
    key_id: Annotated[
        str | None, typer.Option("--id", help="What to call it; today's date if left out.")
    ] = None,
) -> None:
    """Print a fresh master key, to be put first in CHATFOLD_MASTER_KEYS of every role."""
    with explained():
        print(sealing.new_key(key_id or _today().isoformat()))
    Console(stderr=True, soft_wrap=True).print(
        f"Put it before the keys in {sealing.VARIABLE}, separated by a comma, of every role and of"
        " whoever applies tenants, and start them again. Keep a copy apart from the log: what it"
        " encrypts is lost without it.",
        markup=False,
    )


def _today() -> date:
    return clock.now().date()


def _secret() -> str:
    if sys.stdin.isatty():
        secret = getpass.getpass("secret: ")
    else:
        secret = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not secret:
        raise Refusal("there is no secret on standard input")
    return secret
