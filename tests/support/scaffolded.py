"""A package as `projections new` writes it, tested and found as if it were installed."""

import os
import subprocess
import sys
from pathlib import Path

from chatfold import scaffold
from tests.support.servers import ROOT


def write(name: str, folder: Path) -> Path:
    """The package, installed."""
    scaffold.write(name, folder)
    install(folder / name)
    return folder / name


def install(package: Path) -> None:
    """Leave what an installation leaves for entry points to be found, beside the package."""
    name = package.name
    told = package / f"{name}-0.1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    (told / "entry_points.txt").write_text(f"[chatfold.projections]\n{name} = {name}\n")


def run_tests(package: Path) -> subprocess.CompletedProcess[str]:
    """What its own tests say."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=package,
        env=os.environ | {"PYTHONPATH": f"{package}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
