"""What a model does: whether its predictions are amounts or classes, and which."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from mlflow.pyfunc import PyFuncModel
from sklearn.base import BaseEstimator, is_classifier, is_regressor

Kind = Literal["regression", "classification"]


class Task(NamedTuple):
    """What a model does.

    Attributes:
        kind: None if the model does not say: its predictions then show it.
        classes: of a classifier, in the order of its probabilities; empty if it does not say, or has several targets.
        targets: of a classifier of several targets, the classes of each; empty for any other model.
    """

    kind: Kind | None = None
    classes: tuple[Any, ...] = ()
    targets: tuple[tuple[Any, ...], ...] = ()


def task_of(model: PyFuncModel) -> Task:
    """Return what scikit-learn, and everything that follows its conventions, says of a model."""
    try:
        estimator = model.get_raw_model()
    except (NotImplementedError, AttributeError):  # flavors that cannot unwrap their model
        return Task()
    if not isinstance(estimator, BaseEstimator):
        return Task()
    if is_classifier(estimator):
        return _classification(getattr(estimator, "classes_", None))
    return Task("regression") if is_regressor(estimator) else Task()


def _classification(classes: Any) -> Task:
    if isinstance(classes, list):  # one array per target
        return Task("classification", targets=tuple(tuple(target.tolist()) for target in classes))
    return Task("classification", () if classes is None else tuple(classes.tolist()))
