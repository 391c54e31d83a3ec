"""Coverage-guided fuzzing of `split`, `read` and `parse`; the arguments are libFuzzer's.

Every body goes to every provider. What once reached new code is kept in `.chatfold/fuzz` and
is where the next run begins; a body that breaks something is written there too.
"""

import contextlib
import hashlib
import io
import sys
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit(
        "atheris is built for Linux on x86_64 only; elsewhere "
        "`pytest tests/property/test_provider_bodies.py` damages the same bodies"
    )

with (
    contextlib.redirect_stderr(io.StringIO()),  # it names every module
    atheris.instrument_imports(include=["providers", "schemas"], enable_loader_override=False),
):
    from providers.registry import PROVIDERS

from tests.fuzz.mutations import damaged
from tests.support.fixtures import sample_files, webhook_files
from tests.support.totality import survive_bytes

KEPT = Path(".chatfold") / "fuzz"
LONGEST = 32_768


def one(raw: bytes) -> None:
    """Give a body to every provider."""
    for provider in PROVIDERS.values():
        survive_bytes(provider, raw)


def mutate(raw: bytes, longest: int, seed: int) -> bytes:
    """Mostly damage to the JSON, sometimes to its bytes."""
    found = damaged(raw, seed, longest) if seed % 8 else None
    return atheris.Mutate(raw, longest) if found is None else found


def seeds() -> Path:
    """The folder of all known bodies, and of what was found since."""
    folder = KEPT / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROVIDERS:
        for path in (*webhook_files(name), *sample_files(name)):
            raw = path.read_bytes()
            if len(raw) <= LONGEST:
                (folder / hashlib.sha256(raw).hexdigest()).write_bytes(raw)
    return folder


def main() -> None:
    """Fuzz until libFuzzer is told to stop; ends with an error where something raised."""
    folder = [] if any(Path(one).is_file() for one in sys.argv[1:]) else [str(seeds())]
    limits = [
        f"-max_len={LONGEST}",
        "-timeout=10",
        "-verbosity=0",
        "-print_final_stats=1",
        f"-artifact_prefix={KEPT}/",
    ]
    print(f"{len(PROVIDERS)} providers; what breaks one is written to {KEPT}/", flush=True)
    atheris.Setup([*sys.argv, *limits, *folder], one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
