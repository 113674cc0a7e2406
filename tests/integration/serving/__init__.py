"""The service on a real broker."""
