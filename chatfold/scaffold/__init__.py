"""The files of a new own projection: a package with tests that pass as they come."""

from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from chatfold import own_projections
from chatfold.refusal import Refusal

FILES: Final = {
    "README.md": "{package}/README.md",
    "pyproject.toml": "{package}/pyproject.toml",
    "projection.py": "{package}/{package}/__init__.py",
    "tables.sql": "{package}/{package}/tables.sql",
    "test_projection.py": "{package}/tests/test_{package}.py",
}


def write(name: str, folder: Path) -> list[Path]:
    """Write the package of the projection `name` into `folder`; raises `Refusal`."""
    own_projections.refuse_name(name)
    files = {
        folder / place.format(package=name): _text(kind, name) for kind, place in FILES.items()
    }
    if (folder / name).exists():
        raise Refusal(f"{folder / name} is there already: choose another name or folder.")
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return list(files)


def _text(kind: str, name: str) -> str:
    environment = Environment(  # noqa: S701  # Python, SQL and Markdown: nothing is a page
        loader=PackageLoader("chatfold.scaffold", "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template(f"{kind}.jinja").render(name=name)
