"""`ops.assert_`: a condition that every item meets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def assert_(
    predicate: Callable[[Any], Any], name: str = "", error: Callable[[str], Exception] = ValueError
) -> Transform:
    """Fails on an item for which `predicate` is not true.

    ```
    --1--2--0--|
      assert_(lambda i: i > 0)
    --1--2--X
    ```

    The error ends an Observable. In a lane it is the record's: a dead letter, and the stream goes on. Any true value
    will do (RxSci wants `True` itself, so that numpy booleans fail). The message names the assertion and leaves the
    item out: messages are logged, items are not.

    Args:
        predicate: the condition.
        name: what the message calls it.
        error: makes the error from its message.

    *Emits* the item. *State* none. *Raises* `error`, and what `predicate` raises.

    >>> import rx, makiserve.stream as rs
    >>> positive = rs.ops.assert_(lambda i: i > 0, name="positive")
    >>> rx.from_([1, 0]).pipe(positive).subscribe(print, print).dispose()
    1
    assert positive failed
    """
    return operator(Assert(predicate, name, error))


@dataclass(frozen=True, eq=False)
class Assert(Operator):
    """The node of `assert_`."""

    name: ClassVar[str] = "assert_"
    stateless: ClassVar[bool] = True
    one_to_one: ClassVar[bool] = True
    predicate: Callable[..., Any]
    label: str
    error: Callable[[str], Exception]

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            with code.block(f"if not {code.constant(self.predicate)}({item}):"):
                self.write_raise(code)
            then.push(code, item)

        return Part(push, then.complete)

    def write_raise(self, code: Code) -> None:
        """Write that the assertion has failed."""
        message = f"assert {self.label} failed" if self.label else "assert failed"
        code.line(f"raise {code.constant(self.error, 'error')}({message!r})")
