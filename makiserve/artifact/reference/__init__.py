"""Reference records: a sample that is packaged with a model, and the outputs that the model must reproduce."""
