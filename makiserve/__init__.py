"""makiserve: serve an MLflow model on a Kafka stream, with the feature pipeline it was trained on."""

__version__ = "0.1.0"
