"""The edge: gateway, command line, servers, clients, and the wiring of every role."""
