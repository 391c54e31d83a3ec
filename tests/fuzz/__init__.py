"""Webhooks that nobody wrote, against every provider: `make fuzz`."""
