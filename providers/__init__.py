"""Providers: pure functions between their formats and ours."""
