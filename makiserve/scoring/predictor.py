"""The interface of a model for the scorer; any object with these members satisfies it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from makiserve.errors import PredictError
from makiserve.stream.columns.items import ColumnItems


class Predictor(Protocol):
    """A model that scores rows independently of each other."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The fields of the features that the model takes, in its order."""

    def check(self, row: tuple[Any, ...]) -> None:
        """Reject a row that must not be given to the model, independently of the other rows.

        Raises:
            PredictError: a value is missing, or has a type that the model was not trained on.
        """

    def predict(self, rows: list[tuple[Any, ...]]) -> list[Any]:
        """Return one prediction for each row of inputs, in order, each a value that JSON can represent."""


@runtime_checkable
class ColumnPredictor(Protocol):
    """A model that also takes its rows as columns: `predict` builds its input from their arrays."""

    def refused(self, rows: ColumnItems) -> dict[int, PredictError]:
        """Return the rows that `check` rejects, by index, each with its error."""

    def predict(self, rows: Sequence[tuple[Any, ...]]) -> list[Any]: ...


class Companions(NamedTuple):
    """The models that score alongside the champion.

    Attributes:
        challenger: the model that scores a share of the keys instead of the champion; None without one.
        share: the challenger's share of the keys, from 0 to 1.
        shadow: the model that also scores all records, for a separate topic; None without one.
    """

    challenger: Predictor | None = None
    share: float = 0.0
    shadow: Predictor | None = None


NO_COMPANIONS = Companions()
