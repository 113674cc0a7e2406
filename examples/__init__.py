"""Runnable scenarios: `make demo` runs `examples/demo.py`."""
