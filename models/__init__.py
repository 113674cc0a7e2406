"""The example models, a folder for each: its data, its feature pipeline and its training."""
