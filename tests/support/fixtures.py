"""Where the shared webhook bodies are: beside the project, never copied into it."""

from pathlib import Path
from typing import Final

from schemas import codec

PROJECT: Final = Path(__file__).resolve().parents[2]
WEBHOOKS: Final = PROJECT.parent / "shared" / "fixtures" / "webhooks"
SAMPLES: Final = PROJECT / "chatfold" / "demo" / "samples"
SNAPSHOTS: Final = PROJECT / "tests" / "fixtures" / "snapshots"

FOLDERS: Final = {
    "whatsapp_cloud": "meta_whatsapp",
    "telegram": "telegram",
    "greenapi": "greenapi",
    "evolution": "evolution",
    "whapi": "whapi",
    "instagram": "instagram",
}
"""The folder of each provider's bodies."""


def webhook_files(provider: str) -> list[Path]:
    """Every shared body of a provider; there are always some."""
    return _json_files(WEBHOOKS / FOLDERS[provider])


def sample_files(provider: str) -> list[Path]:
    """Every body that ships with the project."""
    return _json_files(SAMPLES / provider)


def load(path: Path) -> object:
    """The parsed body, read as the gateway reads it."""
    return codec.loads(path.read_bytes())


def _json_files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.json"))
    if not found:
        raise FileNotFoundError(f"no webhook bodies in {folder}")
    return found
