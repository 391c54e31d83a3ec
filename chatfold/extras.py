"""Libraries that only some need, and how to get them."""

from importlib.util import find_spec

from chatfold.refusal import Refusal


def require(*modules: str) -> None:
    """Refuse unless all are there; they are in the extra `analysis`."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise Refusal(f"{', '.join(missing)} is not installed: pip install 'chatfold[analysis]'")
