"""Folds: the operators that reduce a stream to one value, running or at completion."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict

from makiserve.errors import message_of
from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import LAST, REGULAR, Operator, Rhythm, Traits
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.scalars import is_missing


class MissingValues(TypedDict, total=False):
    """How a reduction treats missing values: the keyword arguments that all reductions share.

    Attributes:
        skip_missing: leave out items that are None or NaN; a running reduction then repeats its result.
        min_periods: the number of values that the result needs; with fewer it is None.
    """

    skip_missing: bool
    min_periods: int | None


@dataclass(frozen=True)
class Incomparable:
    """The partial result of values that cannot be compared with each other.

    Attributes:
        reason: why they cannot.
    """

    reason: str


class Reduction(NamedTuple):
    """A reduction over immutable partial results.

    Attributes:
        zero: the partial result without values.
        add: the partial result with one value more; it runs before anything is written, so it may raise.
        merge: the partial result of two consecutive parts of a stream.
        result: the item to emit for a partial result; MISSING emits nothing, or None from a window that may be empty.
            None emits the partial result itself.
        read: converts the item's value to the value to add; a float is returned as it is. None adds the item's value.
        is_missing: whether the item's value is missing.
        inline: the expression for `add`, given those of the partial result and the value; None calls `add`.
    """

    zero: Any
    add: Callable[[Any, Any], Any]
    merge: Callable[[Any, Any], Any]
    result: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None
    is_missing: Callable[[Any], bool] = is_missing
    inline: Callable[[str, str], str] | None = None

    def at_least(self, count: int) -> Reduction:
        """Return this reduction with a result of None for fewer than `count` values."""
        _, add, merge, result, *_ = self
        return self._replace(
            zero=(0, self.zero),
            add=lambda partial, value: (partial[0] + 1, add(partial[1], value)),
            merge=lambda earlier, later: (earlier[0] + later[0], merge(earlier[1], later[1])),
            result=lambda partial: (
                None if partial[0] < count else result(partial[1]) if result is not None else partial[1]
            ),
            inline=None,
        )

    def deferring(self) -> Reduction:
        """Return this reduction with values that cannot be compared accepted: then the result raises `TypeError`.

        A window then fails when it completes, whichever way its panes are merged. See decision 0283.
        """
        _, add, merge, result, *_ = self

        def deferred(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
            def compared(kept: Any, value: Any) -> Any:
                try:
                    if type(kept) is Incomparable:
                        return kept
                    return value if type(value) is Incomparable else compare(kept, value)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001  the values are a user's, and may raise anything
                    return Incomparable(message_of(error.__cause__ or error))

            return compared

        def checked(partial: Any) -> Any:
            if type(partial) is Incomparable:
                raise TypeError(f"{partial.reason}: convert or filter values of other types before the reduction")
            return result(partial) if result else partial

        return self._replace(add=deferred(add), merge=deferred(merge), result=checked, inline=None)


@dataclass(frozen=True, eq=False)
class Fold(Operator):
    """Keeps one partial result for each scope; emits its result for each item or, with `reduce`, once at completion."""

    key_mapper: Callable[[Any], Any] | None = None
    reduce: bool = False
    skip_missing: bool = field(default=False, kw_only=True)
    min_periods: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.min_periods is not None:
            whole_number(self.min_periods, f"{self.name}: min_periods")

    @abstractmethod
    def reduction(self) -> Reduction:
        """Return the reduction that is kept."""

    @property
    def mappers(self) -> tuple[Callable[[Any], Any] | None, ...]:
        """The functions that return what is read of an item; None reads the item itself. Several give a tuple."""
        return (self.key_mapper,)

    @property
    def traits(self) -> Traits:
        return Traits(one_to_one=not self.reduce, writes_late=True, mergeable=self.reduce)

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        if not self.reduce:
            return before
        has_items = before in REGULAR and not self.skip_missing
        return LAST if has_items or self._emits_without_items else None

    @property
    def _emits_without_items(self) -> bool:
        reduction = self.reduction()
        return (reduction.result(reduction.zero) if reduction.result else reduction.zero) is not MISSING

    def build(self, then: Stage, scope: Scope) -> Part:
        reduction = self.reduction().at_least(self.min_periods) if self.min_periods else self.reduction()
        result = reduction.result
        slot = scope.value(reduction.zero, reduction.merge)
        scope.writes_late(then)

        def write_added(code: Code, item: str) -> str:
            values = [f"{code.constant(mapper)}({item})" if mapper else item for mapper in self.mappers]
            value = values[0] if len(values) == 1 else f"({', '.join(values)})"
            return self._write_added(code, f"{code.state(scope)}[{slot}]", value, reduction)

        def write_result(code: Code, partial: str) -> str:
            return f"{code.constant(result, 'result')}({partial})" if result else partial

        def push(code: Code, item: str) -> None:
            partial = code.let(self.name, write_added(code, item))
            value = code.let("value", write_result(code, partial)) if result else partial
            code.later(f"{code.state(scope)}[{slot}] = {partial}")
            then.push(code, value)

        def push_reduced(code: Code, item: str) -> None:
            code.later(f"{code.state(scope)}[{slot}] = {code.let(self.name, write_added(code, item))}")

        def complete_reduced(code: Code) -> None:
            value = code.let("value", write_result(code, f"{code.state(scope)}[{slot}]"))
            missing = code.constant(MISSING, "MISSING")
            if scope.may_be_empty:
                then.call(code, f"None if {value} is {missing} else {value}")
            else:
                with code.block(f"if {value} is not {missing}:"):
                    then.call(code, value)
            then.complete(code)

        return Part(push_reduced, complete_reduced) if self.reduce else Part(push, then.complete)

    def _write_added(self, code: Code, partial: str, value: str, reduction: Reduction) -> str:
        """Write that a value is read; return the expression for the partial result with it."""
        if reduction.read or self.skip_missing:
            value = code.let("value", value)
        read = value
        if reduction.read:
            read = f"{value} if type({value}) is float else {code.constant(reduction.read, 'read')}({value})"
        if reduction.inline:
            added = reduction.inline(partial, read)
        else:
            added = f"{code.constant(reduction.add, 'add')}({partial}, {read})"
        if not self.skip_missing:
            return added
        return f"{partial} if {code.constant(reduction.is_missing, 'is_missing')}({value}) else {added}"
