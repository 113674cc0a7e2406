"""Features and predictions of Spark data frames, by the pipeline and the code that serve the stream.

Only this package imports pyspark. Install it with `pip install makiserve[spark]`.
"""

from makiserve.spark.frames import features, score

__all__ = ["features", "score"]
