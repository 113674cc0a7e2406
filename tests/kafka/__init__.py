"""Additions to a real broker for tests: access control, and a batch that cannot be read."""
