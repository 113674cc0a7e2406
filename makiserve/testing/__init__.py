"""Tools for testing your own pipelines and services."""
