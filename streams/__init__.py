"""Streams: one pure decider per chat, and the agents that act for it."""
