"""Faults against a running service, and an oracle that checks its outputs. `make chaos` runs it."""
