"""The example models, one folder each: its data, its feature pipeline, its training."""
