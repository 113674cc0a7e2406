"""The columnar engine: it computes a whole batch at a time, with the results of the row engine to the last bit."""
