"""Following one item through a pipeline: what comes to each operator, and what the operators remember."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, ClassVar, NamedTuple

from makiserve.errors import OperatorError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Plan
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import Part, Stage, State


class Step(NamedTuple):
    """Something that came to an operator.

    Attributes:
        place: of the operator, as errors name it; of a pipeline, where the item leaves it.
        depth: in how many operators it stands.
        item: what came.
        is_end: whether it left a pipeline here, and came to no operator.
    """

    place: str
    depth: int
    item: Any
    is_end: bool


class Change(NamedTuple):
    """A slot of state that the item changed.

    Attributes:
        place: of the operator that it belongs to.
        scope: the groups and windows that it is in, outer first.
        before: the content as text; None where there was none.
        after: likewise.
    """

    place: str
    scope: tuple[str, ...]
    before: str | None
    after: str | None


class Followed(NamedTuple):
    """The way of an item.

    Attributes:
        steps: in the order in which they happened.
        changes: of the state, in the order of its layout.
        outputs: what left the pipeline.
        error: what stopped the item; the state is then as it was.
    """

    steps: list[Step]
    changes: list[Change]
    outputs: list[Any]
    error: OperatorError | None


class Follower:
    """A pipeline with a look at each joint. It gives the same outputs, slower; states are its own.

    Args:
        plan: the pipeline.
    """

    def __init__(self, plan: Plan) -> None:
        self._steps: list[Step] | None = None
        self._program = Program(_opened(plan, self._see, (), 0))

    def new_state(self) -> State:
        """A state that has seen nothing."""
        return self._program.new_state()

    def pass_by(self, items: Sequence[Any], state: State) -> None:
        """Let the items before go through, unseen."""
        self._program.feed(items, state)

    def follow(self, item: Any, state: State) -> Followed:
        """Let an item go through, and see what happens."""
        before, self._steps = dict(_contents(state, self._program.scope, ())), []
        fed, steps = self._program.feed([item], state), self._steps
        self._steps, after = None, dict(_contents(state, self._program.scope, ()))
        changes = [
            Change(place, scope, before.get((place, scope, slot)), after.get((place, scope, slot)))
            for place, scope, slot in dict.fromkeys([*before, *after])
            if before.get((place, scope, slot)) != after.get((place, scope, slot))
        ]
        return Followed(steps, changes, fed.outputs, fed.failures[0][1] if fed.failures else None)

    def _see(self, place: str, depth: int, is_end: bool, item: Any) -> None:
        if self._steps is not None:
            self._steps.append(Step(place, depth, item, is_end))


@dataclass(frozen=True, eq=False)
class _Joint(Operator):
    """Shows each item, and lets it pass."""

    name: ClassVar[str] = "joint"
    raises: ClassVar[bool] = False
    stateless: ClassVar[bool] = True
    one_to_one: ClassVar[bool] = True
    see: Callable[[Any], None]

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            code.line(f"{code.constant(self.see, 'see')}({item})")
            then.push(code, item)

        return Part(push, then.complete)


def _opened(plan: Plan, see: Callable[..., None], path: tuple[str, ...], depth: int) -> Plan:
    """The plan with a joint in front of each operator and at its end, the inner plans likewise."""
    operators: list[Operator] = []
    for operator in plan.operators:
        here = (*path, str(operator))
        operators += [_Joint(partial(see, " > ".join(here), depth, False)), _with_joints(operator, see, path, depth)]
    operators.append(_Joint(partial(see, " > ".join(path), depth, True)))
    return Plan(tuple(operators))


def _with_joints(operator: Operator, see: Callable[..., None], path: tuple[str, ...], depth: int) -> Operator:
    places = {id(plan): place for place, plan in operator.plans()}

    def opened(plan: Plan) -> Plan:
        own = f"{operator.name}[{places[id(plan)]}]" if len(places) > 1 else str(operator)
        return _opened(plan, see, (*path, own), depth + 1)

    changed: dict[str, Any] = {}
    for field in fields(operator):
        value = getattr(operator, field.name)
        if isinstance(value, Plan):
            changed[field.name] = opened(value)
        elif isinstance(value, tuple) and any(isinstance(each, Plan) for each in value):
            changed[field.name] = tuple(opened(each) for each in value)
    return replace(operator, **changed) if changed else operator


def _contents(
    state: State, scope: Scope, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, tuple[str, ...], int], str]]:
    """The content of every slot as text, by operator, scope and number."""
    for index, (content, slot) in enumerate(zip(state[1:], scope.slots, strict=True)):
        if content is MISSING:
            continue
        if slot.child is None:
            yield (slot.owner, path, index), repr(content)
        elif isinstance(content, dict):
            for key, inner in content.items():
                yield from _contents(inner, slot.child, (*path, repr(key)))
        else:
            for number, inner in enumerate(content):
                yield from _contents(inner, slot.child, (*path, f"window {number}"))
