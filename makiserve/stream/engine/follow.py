"""Follow one item through a pipeline: the input of each operator, and the changes of state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, ClassVar, NamedTuple

from makiserve.errors import OperatorError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Plan, Traits
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import Part, Stage, State


class FollowedStep(NamedTuple):
    """An item that reached an operator or left a pipeline.

    Attributes:
        place: the operator, as errors name it; for an item that leaves a pipeline, the pipeline.
        depth: the number of operators around it.
        item: the item.
        is_end: whether the item left a pipeline here instead of reaching an operator.
    """

    place: str
    depth: int
    item: Any
    is_end: bool


class Change(NamedTuple):
    """A slot of state that the item changed.

    Attributes:
        place: the operator that the slot belongs to.
        scope: the groups and windows that contain it, outer first.
        before: the content before the item, as text; None if there was none.
        after: the content after the item, as text; None if there is none.
    """

    place: str
    scope: tuple[str, ...]
    before: str | None
    after: str | None


class Followed(NamedTuple):
    """The path of an item through a pipeline.

    Attributes:
        steps: the steps, in the order in which they happened.
        changes: the changes of state, in the order of its layout.
        outputs: the items that the pipeline emitted.
        error: the error that the item caused; the state is then unchanged.
    """

    steps: list[FollowedStep]
    changes: list[Change]
    outputs: list[Any]
    error: OperatorError | None


class Follower:
    """A pipeline with a probe before each operator. It gives the same outputs, more slowly, and has its own states.

    Args:
        plan: the pipeline.
    """

    def __init__(self, plan: Plan) -> None:
        self._steps: list[FollowedStep] | None = None
        self._program = Program(_opened(plan, self._see, (), 0))

    def new_state(self) -> State:
        """Return the state of a pipeline that has not seen any items."""
        return self._program.new_state()

    def pass_by(self, items: Sequence[Any], state: State) -> None:
        """Push the items that come before through the pipeline, without recording."""
        self._program.feed(items, state)

    def follow(self, item: Any, state: State) -> Followed:
        """Push an item through the pipeline and record its path."""
        before, self._steps = dict(_contents(state, self._program.scope, ())), []
        fed, steps = self._program.feed([item], state), self._steps
        self._steps, after = None, dict(_contents(state, self._program.scope, ()))
        changes = [
            Change(place, scope, before.get((place, scope, slot)), after.get((place, scope, slot)))
            for place, scope, slot in dict.fromkeys([*before, *after])
            if before.get((place, scope, slot)) != after.get((place, scope, slot))
        ]
        return Followed(steps, changes, list(fed.outputs), fed.failures[0][1] if fed.failures else None)

    def _see(self, place: str, depth: int, is_end: bool, item: Any) -> None:
        if self._steps is not None:
            self._steps.append(FollowedStep(place, depth, item, is_end))


@dataclass(frozen=True, eq=False)
class _Joint(Operator):
    """A probe: it shows each item to `see` and passes it on."""

    name: ClassVar[str] = "joint"
    traits = Traits(raises=False, stateless=True, one_to_one=True)
    see: Callable[[Any], None]

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            code.line(f"{code.constant(self.see, 'see')}({item})")
            then.push(code, item)

        return Part(push, then.complete)


def _opened(plan: Plan, see: Callable[..., None], path: tuple[str, ...], depth: int) -> Plan:
    """Return the plan with a probe before each operator and at its end, in the inner plans, too."""
    operators: list[Operator] = []
    for operator in plan.operators:
        here = (*path, str(operator))
        operators += [_Joint(partial(see, " > ".join(here), depth, False)), _with_joints(operator, see, path, depth)]
    operators.append(_Joint(partial(see, " > ".join(path), depth, True)))
    return Plan(tuple(operators))


def _with_joints(operator: Operator, see: Callable[..., None], path: tuple[str, ...], depth: int) -> Operator:
    places = {id(plan): place for place, plan in operator.plans()}

    def opened(plan: Plan) -> Plan:
        here = f"{operator.name}[{places[id(plan)]}]" if len(places) > 1 else str(operator)
        return _opened(plan, see, (*path, here), depth + 1)

    changed: dict[str, Any] = {}
    for field in fields(operator):
        value = getattr(operator, field.name)
        if isinstance(value, Plan):
            changed[field.name] = opened(value)
        elif isinstance(value, tuple) and any(isinstance(plan, Plan) for plan in value):
            changed[field.name] = tuple(opened(plan) for plan in value)
    return replace(operator, **changed) if changed else operator


def _contents(
    state: State, scope: Scope, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, tuple[str, ...], int], str]]:
    """Yield the content of every slot as text, by operator, scope and number."""
    for index, (content, slot) in enumerate(zip(state[1:], scope.slots, strict=True)):
        if content is MISSING or not slot.is_kept:
            continue
        if slot.child is None:
            yield (slot.owner, path, index), repr(content)
        elif isinstance(content, dict):
            for key, inner in content.items():
                yield from _contents(inner, slot.child, (*path, repr(key)))
        else:
            for number, inner in enumerate(content):
                yield from _contents(inner, slot.child, (*path, f"window {number}"))
