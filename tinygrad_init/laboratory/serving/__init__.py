"""How it gets to people: server, sessions, notebook, exports."""
