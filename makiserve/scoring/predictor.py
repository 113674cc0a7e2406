"""What the scorer asks of a model: any object with these members will do."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol


class Predictor(Protocol):
    """A model that scores rows independently of each other."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The fields of the features that the model takes, in its order."""

    def check(self, row: tuple[Any, ...]) -> None:
        """Refuse a row that may not be given to the model, whatever the other rows are.

        Raises:
            PredictError: a value is missing or of a type that the model was not trained on.
        """

    def predict(self, rows: list[tuple[Any, ...]]) -> list[Any]:
        """One prediction for each row of inputs, in order, each a value that JSON can hold."""


class Companions(NamedTuple):
    """The models beside the one that is served.

    Attributes:
        challenger: scores a share of the keys in its place.
        share: of the keys, from 0 to 1.
        shadow: scores all that it scores, for a topic of its own.
    """

    challenger: Predictor | None = None
    share: float = 0.0
    shadow: Predictor | None = None


NO_RIVALS = Companions()
