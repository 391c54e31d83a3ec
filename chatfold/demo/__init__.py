"""The demo: real servers, every role, webhooks in their real formats, and a check of the result."""
