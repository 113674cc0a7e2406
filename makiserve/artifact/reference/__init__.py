"""Reference records: a sample packaged with a model, with the outputs that the model must give for it."""
