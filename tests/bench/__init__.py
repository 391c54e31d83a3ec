"""Benchmarks: each also alone, `python -m tests.bench.NAME [--json]`."""
