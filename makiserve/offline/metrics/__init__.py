"""The quality of predictions: the evidence, its metrics, and requirements on them."""
