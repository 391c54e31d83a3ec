"""Every benchmark, one after the other; each also runs alone, and with `--json`."""

import subprocess
import sys

BENCHMARKS = (
    "gateway",
    "decider",
    "recovery",
    "projection",
    "rebuild",
    "export",
    "end_to_end",
    "other_accounts",
    "assistant",
    "media",
)


def main() -> None:
    """Run all, with the arguments given."""
    for name in BENCHMARKS:
        print(f"\n{name}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", f"tests.bench.{name}", *sys.argv[1:]], check=True)


if __name__ == "__main__":
    main()
