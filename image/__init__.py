"""Build and test the container image."""
