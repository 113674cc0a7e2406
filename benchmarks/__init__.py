"""Benchmarks: ratios between contestants that run in turn. `make bench` runs all of them."""
