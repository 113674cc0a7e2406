"""Random inputs for every decoder and every output encoder: `python -m tests.fuzz`."""
