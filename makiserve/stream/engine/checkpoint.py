"""Checkpoints: the state of a lane as bytes, guarded by the plan that it belongs to."""

from __future__ import annotations

import sys
from dataclasses import fields
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from makiserve.errors import StateError
from makiserve.stream.engine.codec import Codec, named_types, pack
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.scope import Scope, Slot
from makiserve.stream.engine.stage import State

VERSION = 4


class Size(NamedTuple):
    """The size of an operator's state.

    Attributes:
        keys: the number of groups of a `group_by`; otherwise 0.
        size_bytes: the size of its slots in all scopes, without those of the operators inside it.
    """

    keys: int
    size_bytes: int


class Checkpoints:
    """Turns the states of one program into bytes and back.

    Args:
        program: the program whose states these are.
        types: structured types that a state may hold, in addition to those that the pipeline's functions can name.

    Attributes:
        types: all structured types that a state may hold.
    """

    def __init__(self, program: Program, types: tuple[type, ...] = ()) -> None:
        self.scope = program.scope
        self._fingerprint = program.plan.fingerprint
        self._drawing = program.plan.draw()
        named = {kind.__qualname__: kind for kind in types} | named_types(_functions(program.plan))
        self.types = tuple(named.values())
        self.codec = Codec(named)

    def dump(self, state: State) -> bytes:
        """Return the checkpoint of a state.

        Raises:
            StateError: a slot holds a value that has no code; the message names the operator.
        """
        return self.seal(self.to_plain(state, self.scope))

    def load(self, checkpoint: bytes) -> State:
        """Return the state of a checkpoint.

        Raises:
            StateError: it is damaged, of another format version, or of another plan.
        """
        plain = self.open(checkpoint)
        try:
            return self.from_plain(plain, self.scope, None)
        except (TypeError, ValueError) as error:  # another value in place of a list or a pair
            raise StateError(f"a checkpoint of {len(checkpoint)} bytes is damaged: {error}") from error

    def seal(self, plain: Any) -> bytes:
        """Return a checkpoint with this content, for this program."""
        return pack([VERSION, self._fingerprint, self._drawing, plain])

    def open(self, checkpoint: bytes) -> Any:
        """Return the content of a checkpoint.

        Raises:
            StateError: it is damaged, of another format version, or of another plan.
        """
        try:
            version, fingerprint, drawing, plain = msgspec.msgpack.decode(checkpoint)
        except (msgspec.DecodeError, RecursionError, TypeError, ValueError) as error:
            raise StateError(f"a checkpoint of {len(checkpoint)} bytes is damaged: {error}") from error
        if version != VERSION:
            raise StateError(f"a checkpoint has format version {version}; this makiserve reads version {VERSION}")
        if fingerprint != self._fingerprint:
            raise StateError(
                f"a checkpoint belongs to another pipeline.\nIt was written by:\n{drawing}\nThis is:\n{self._drawing}"
            )
        return plain

    def sizes(self, state: State, sample: int = sys.maxsize) -> dict[str, Size]:
        """Return the size of each operator's state in bytes of a checkpoint, by the operator's place in the pipeline.

        Args:
            state: a lane's state.
            sample: the number of an operator's groups or windows to measure; if there are more, the size is estimated.
        """
        sizes: dict[str, tuple[float, float]] = {}
        self._measure(state, self.scope, 1.0, sample, sizes)
        return {owner: Size(round(keys), round(size)) for owner, (keys, size) in sizes.items()}

    def _measure(
        self, state: State, scope: Scope, weight: float, sample: int, sizes: dict[str, tuple[float, float]]
    ) -> None:
        for content, slot in zip(state[1:], scope.slots, strict=True):
            keys, size = sizes.get(slot.owner, (0.0, 0.0))
            if slot.child is None:
                encoded = len(pack(self._slot_to_plain(content, slot)))
                sizes[slot.owner] = keys, size + encoded * weight
                continue
            some = list(islice(content, 0, None, -(-len(content) // sample) or 1))
            heavier = weight * len(content) / (len(some) or 1)
            if isinstance(content, dict):
                names = sum(len(pack(self.codec.to_plain(key))) for key in some)
                sizes[slot.owner] = keys + len(content) * weight, size + names * heavier
                some = [content[key] for key in some]
            else:
                sizes[slot.owner] = keys, size
            for child in some:
                self._measure(child, slot.child, heavier, sample, sizes)

    def to_plain(self, state: State, scope: Scope, *, is_root: bool = False) -> list[Any]:
        """Return the slots of a state in MessagePack's types; those of a root leave tracked groups out.

        Raises:
            StateError: a slot holds a value that has no code; the message names the operator.
        """
        return [
            None if is_root and slot.touched is not None else self._slot_to_plain(content, slot)
            for content, slot in zip(state[1:], scope.slots, strict=True)
        ]

    def _slot_to_plain(self, content: Any, slot: Slot) -> Any:
        if not slot.is_kept:
            return None
        try:
            if slot.child is None:
                return self.codec.to_plain(content)
            if isinstance(content, dict):
                number, groups = slot.child.number, list(content.items())
                if number is not None:
                    groups.sort(key=lambda pair: pair[1][number])
                return [[self.codec.to_plain(key), self.to_plain(child, slot.child)] for key, child in groups]
            return [self.to_plain(child, slot.child) for child in content]
        except StateError as error:
            if str(error).startswith(slot.owner):
                raise
            raise StateError(f"{slot.owner}: {error}") from error

    def from_plain(self, plain: Any, scope: Scope, parent: State | None, *, is_root: bool = False) -> State:
        """Return the state that `to_plain` encoded.

        Raises:
            StateError: it is damaged.
        """
        state = scope.new(parent)
        if not isinstance(plain, list) or len(plain) != len(scope.slots):
            raise StateError("a checkpoint is damaged: a scope does not have as many slots as in its plan")
        for index, (content, slot) in enumerate(zip(plain, scope.slots, strict=True), 1):
            if not slot.is_kept or (is_root and slot.touched is not None):
                continue
            if slot.child is None:
                state[index] = self.codec.from_plain(content)
            elif isinstance(state[index], dict):
                state[index] = {
                    self.codec.from_plain(key): self.from_plain(child, slot.child, state) for key, child in content
                }
            else:
                state[index] = [self.from_plain(child, slot.child, state) for child in content]
        return state


def _functions(plan: Plan) -> list[Any]:
    return [getattr(node, field.name) for node in plan.walk() for field in fields(node)]
