"""A pipeline's Python source: collected where the model is logged, imported again where it serves."""
