"""Benchmarks: ratios of two things run side by side. `make bench` runs them all."""
