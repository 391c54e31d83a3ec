"""The agents: thin shells that act for the decider and report back to the inbox."""
