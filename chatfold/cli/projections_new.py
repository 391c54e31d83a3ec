"""`chatfold projections new`: a package for a projection of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from chatfold import scaffold
from chatfold.cli.output import explained


def register(app: typer.Typer) -> None:
    """Add the command to the group of projections."""
    app.command()(new)


def new(
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits and _.")],
    folder: Annotated[Path, typer.Option(help="Write the package into this folder.")] = Path(),
) -> None:
    """Begin a projection of one's own: a package with a table, a pure fold, and its tests.

    The tests pass as they come. Once the package is installed beside Chatfold the projector finds
    it; it has the guarantees of the built-in tables.
    """
    with explained():
        for file in scaffold.write(name, folder):
            print(file)
    print(f"\nnext: pip install -e {folder / name} && python -m pytest {folder / name}")
