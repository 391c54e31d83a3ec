"""A module per role, each putting together what `run` of it needs."""
