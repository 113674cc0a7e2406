"""What a model does: whether its predictions are amounts or classes, and which."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from mlflow.pyfunc import PyFuncModel
from sklearn.base import BaseEstimator, is_classifier, is_regressor

Kind = Literal["regression", "classification"]


class Task(NamedTuple):
    """What a model does.

    Attributes:
        kind: None where the model does not say: its predictions then show it.
        classes: of a classifier, in the order of its probabilities; empty where it does not say.
    """

    kind: Kind | None = None
    classes: tuple[Any, ...] = ()


def task_of(model: PyFuncModel) -> Task:
    """What scikit-learn, and everything that follows its conventions, says of a model."""
    try:
        estimator = model.get_raw_model()
    except (NotImplementedError, AttributeError):  # flavors that cannot unwrap their model
        return Task()
    if not isinstance(estimator, BaseEstimator):
        return Task()
    if is_classifier(estimator):
        classes = getattr(estimator, "classes_", None)
        return Task("classification", () if classes is None else tuple(classes.tolist()))
    return Task("regression") if is_regressor(estimator) else Task()
