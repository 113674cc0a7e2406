"""Faults against a running service, and an oracle that says whether it kept its promises. `make chaos` runs it."""
