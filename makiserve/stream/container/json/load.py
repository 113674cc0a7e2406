"""`container.json.load`: JSON texts as objects."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from makiserve.errors import DecodeError
from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def load(skip: int = 0, ignore_error: bool = False) -> Transform:
    """Make an object of each JSON text.

    ```
    --'{"a": 1}'--'[2]'--|
      load()
    --{'a': 1}----[2]----|
    ```

    Args:
        skip: the number of items to leave out first.
        ignore_error: leave out items that are not JSON; otherwise such an item ends the stream with its error, and in a
            lane becomes a dead letter.

    *Emits* an object for each str or bytes; nothing for an empty one or for `null`. *State* the number of items left
    out. *Raises* DecodeError for what is not JSON, or more than one object.

    Raises:
        PipelineError: skip is not an integer of at least 0.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_(['{"a": 1}', b"[2, null]"]).pipe(rs.container.json.load()).subscribe(print).dispose()
    {'a': 1}
    [2, None]
    """
    return operator(Load(whole_number(skip, "json.load: skip", least=0), ignore_error))


@dataclass(frozen=True, eq=False)
class Load(Operator):
    """The node of `json.load`."""

    name: ClassVar[str] = "json_load"
    skip: int
    ignore_error: bool

    @property
    def stateless(self) -> bool:  # type: ignore[override]  # known only with the parameters
        return not self.skip

    def build(self, then: Stage, scope: Scope) -> Part:
        skipped = scope.value(0) if self.skip else 0
        scope.writes_late(then)

        def push(code: Code, item: str) -> None:
            place = f"{code.state(scope)}[{skipped}]"
            if self.skip:
                with code.block(f"if {place} < {self.skip}:"):
                    code.line(f"{place} += 1")
            with code.block("else:") if self.skip else nullcontext():
                loaded = code.let("loaded", f"{code.constant(self._loaded, 'loaded')}({item})")
                with code.block(f"if {loaded} is not None:"):
                    then.push(code, loaded)

        return Part(push, then.complete)

    def _loaded(self, text: str | bytes) -> Any:
        if not text:
            return None
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if self.ignore_error:
                return None
            raise DecodeError(str(error)) from error
