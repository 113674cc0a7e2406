"""One attempt at a batch, which changes the lane's state only if every item has passed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from makiserve.errors import OperatorError, message_of
from makiserve.stream.columns.column import Array, Mask
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.group_table import Table
from makiserve.stream.columns.store import Store
from makiserve.stream.engine.compiled_functions import user_line
from makiserve.stream.engine.keeper import Keeper

if TYPE_CHECKING:
    from makiserve.stream.columns.expressions.column_function import ColumnFunction, Evaluated

FOLDER = str(Path(__file__).parent)

NOTHING_KEPT: Mapping[Keeper, Sequence[Any]] = {}


class RecordsFailed(Exception):
    """Functions raised on some records.

    Args:
        failures: index in the batch and error of each record, the first error of each.
        is_certain: whether they fail whatever becomes of the records before them.
    """

    def __init__(self, failures: dict[int, OperatorError], *, is_certain: bool) -> None:
        super().__init__(failures)
        self.failures, self.is_certain = failures, is_certain


class Unrepresentable(Exception):
    """Arrays cannot hold a value of these records, or a result of theirs, with equal bits and type.

    Attributes:
        records: the indexes of the records in the batch.
        keys: the keys of the groups that they belong to; empty if they do not belong to a group.
    """

    def __init__(self, records: Iterable[int]) -> None:
        super().__init__(records)
        self.records = frozenset(records)
        self.keys: list[Any] = []


class Attempt:
    """One attempt at a batch.

    Args:
        tables: the state of each scope of the lane.
        kept: for some functions the result for each record of the batch; `UNKNOWN` if it is not known.

    Attributes:
        foreign: for each group that the row engine has taken over, the indexes of its records.
        keyed: the keys of the outermost groups that records belong to, and the indexes of these records.
    """

    def __init__(self, tables: Sequence[Table], kept: Mapping[Keeper, Sequence[Any]] = NOTHING_KEPT) -> None:
        self.tables, self._kept = tables, kept
        self.foreign: list[Array] = []
        self.keyed: list[tuple[Sequence[Any], Array]] = []
        self._writes: list[tuple[Store, Any, Sequence[Array]]] = []
        self._touched: list[tuple[Table, Array]] = []
        self._after_commit: list[Callable[[], None]] = []
        self._after_abandon: list[Callable[[], None]] = []

    def find(self, table: Table, keys: Sequence[Any], parents: Array | None = None) -> Array:
        """Return the rows of groups, which are added to the table for keys that are new; see `Table.find`."""
        rows, added = table.find(keys, parents)
        if added:
            self.ended(abandoned=lambda: table.forget(added))
        return rows

    def kept(self, function: Callable[..., Any], flow: Flow) -> list[Any] | None:
        """Return the results of a function for the items of a flow, as far as they are kept; None if none are."""
        results = self._kept.get(function) if isinstance(function, Keeper) else None
        return None if results is None else [results[index] for index in flow.at.tolist()]

    def evaluate(self, function: ColumnFunction, flow: Flow) -> Evaluated:
        """Return the results of a function for the items of a flow; those that are kept are not computed again."""
        kept = self.kept(function.function, flow)
        return function.evaluate(flow.items) if kept is None else function.complete(kept, flow.items)

    def touch(self, table: Table, rows: Array) -> None:
        """Note that these groups are used."""
        self._touched.append((table, rows))

    def write(self, store: Store, rows: Array, content: Sequence[Array]) -> None:
        """Note what these rows will hold."""
        self._writes.append((store, rows, content))

    def ended(
        self, *, committed: Callable[[], None] | None = None, abandoned: Callable[[], None] | None = None
    ) -> None:
        """Note what to do after the state has changed, or if the attempt is abandoned; the last note comes first."""
        if committed:
            self._after_commit.append(committed)
        if abandoned:
            self._after_abandon.append(abandoned)

    def group_of(self, record: int) -> Unrepresentable:
        """Return that a record's group, if it has one, must move to the row engine."""
        odd = Unrepresentable([record])
        odd.keys = [keys[index] for keys, at in self.keyed for index in np.flatnonzero(at == record).tolist()]
        return odd

    def commit(self) -> None:
        """Change the state."""
        for store, rows, content in self._writes:
            store.put(rows, content)
        for table, touched in self._touched:
            table.is_touched[touched] = True
        for act in reversed(self._after_commit):
            act()

    def abandon(self) -> None:
        """Leave the state as it was before the attempt."""
        for undo in reversed(self._after_abandon):
            undo()


def run_numbered(run: Callable[[Flow, Attempt], Flow], flow: Flow, attempt: Attempt) -> Flow:
    """Return what a chain emits; `at` is the index of the item of `flow` that caused it.

    Errors name records, as usual.
    """
    try:
        return run(Flow(flow.items, np.arange(len(flow)), flow.segments, flow.rows), attempt)
    except RecordsFailed as failed:
        failures: dict[int, Any] = {}
        for index, error in sorted(failed.failures.items()):
            failures.setdefault(int(flow.at[index]), error)
        raise RecordsFailed(failures, is_certain=failed.is_certain) from failed
    except Unrepresentable as odd:
        moved = Unrepresentable(flow.at[sorted(odd.records)].tolist())
        moved.keys = odd.keys
        raise moved from odd


def check(flow: Flow, failed: Mask | None, call: Callable[[Any], Any], path: str, *, is_certain: bool) -> None:
    """Raise if there are failed items.

    Args:
        flow: the items that were given to an operator.
        failed: on which of them it failed; None for none.
        call: raises, for one item, the error that the operator raised.
        path: the place of the operator in the pipeline.
        is_certain: whether the items fail whatever becomes of the records before them.

    Raises:
        RecordsFailed: there are.
    """
    if failed is None or not failed.any():
        return
    failures: dict[int, OperatorError] = {}
    for index, item in zip(flow.at[failed].tolist(), flow.items.take(failed).items(), strict=True):
        failures.setdefault(index, _located(_error(call, item), path, item))
    raise RecordsFailed(failures, is_certain=is_certain)


def fail(at: int, error: BaseException, path: str, item: Any) -> RecordsFailed:
    """Return the failure of the record at an index of the batch, which depends on the records before it."""
    return RecordsFailed({at: _located(error, path, item)}, is_certain=False)


def check_representable(flow: Flow, odd: Mask | None) -> None:
    """Raise if arrays cannot hold the results of some items.

    Raises:
        Unrepresentable: they cannot.
    """
    if odd is not None and odd.any():
        raise Unrepresentable(flow.at[odd].tolist())


def _error(call: Callable[[Any], Any], item: Any) -> BaseException:
    try:
        call(item)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  what the user's function raises is what is reported
        return error
    return RuntimeError("the function raised an error, and did not when it was called again with the same item")


def _located(error: BaseException, path: str, item: Any) -> OperatorError:
    line = user_line(error, lambda file: file.startswith(FOLDER))
    at = f" ({line})" if line else ""
    located = OperatorError(f"{path}: {type(error).__name__}: {message_of(error)}{at}", operator=path, item=item)
    located.__cause__ = error
    return located
