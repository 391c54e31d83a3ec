"""Writes the generated documents; `--check` only says which are stale. Run by `make docs`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from docs.generation import (
    ROOT,
    Documents,
    asyncapi,
    cli,
    exports,
    metrics,
    openapi,
    providers,
    schemas,
    settings,
    topology,
)

SOURCES = (schemas, asyncapi, openapi, settings, topology, providers, metrics, exports, cli)
WHOLLY_GENERATED = (schemas.FOLDER,)


def documents() -> Documents:
    """Every generated document."""
    return {path: text for source in SOURCES for path, text in source.documents().items()}


def stale(made: Documents, root: Path = ROOT) -> list[str]:
    """The paths of documents that are missing, differ, or should not be there."""
    differing = [path for path, text in made.items() if _kept(root / path) != text]
    return sorted((*differing, *_orphans(made, root)))


def write(made: Documents, root: Path = ROOT) -> None:
    """Bring the files up to date."""
    for path in _orphans(made, root):
        (root / path).unlink()
    for path, text in made.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Write, or with `--check` compare; the exit code."""
    made = documents()
    found = stale(made)
    if "--check" not in arguments:
        write(made)
        return 0
    for path in found:
        sys.stderr.write(f"{path} is stale: run `make docs`\n")
    return 1 if found else 0


def _kept(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def _orphans(made: Documents, root: Path) -> list[str]:
    files = (file for folder in WHOLLY_GENERATED for file in (root / folder).glob("*"))
    paths = (file.relative_to(root).as_posix() for file in files)
    return [path for path in paths if path not in made]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
