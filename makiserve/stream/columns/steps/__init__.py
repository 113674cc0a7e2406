"""The columnar forms of the operators."""
