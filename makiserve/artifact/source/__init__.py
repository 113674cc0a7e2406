"""Collect a pipeline's Python source when the model is logged, and import it when the model is loaded."""
