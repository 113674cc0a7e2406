"""`makiserve --replay … --trace …`: one record's way, printed."""

from __future__ import annotations

from makiserve.errors import DecodeError
from makiserve.replaying.trace import Traced
from makiserve.stream.engine.follow import Change, Followed

LONGEST = 160


def print_trace(traced: Traced) -> None:
    """The record, each operator with what came to it and what it remembers since, and what came of it."""
    print(f"{traced.source}@{traced.offset}" + (f", lane {traced.lane}" if traced.lane != traced.source else ""))
    if not isinstance(traced.record, DecodeError):
        print(f"record  {traced.record!r}")
    if traced.followed:
        _print_way(traced.followed)
    for prediction in traced.predictions:
        print(f"model   {_short(repr(prediction))}")
    for output in traced.published:
        print(f"output  {_short(output.decode())}")
    if traced.error:
        print(f"dead letter ({traced.error.reason}): {traced.error}")
    elif not traced.published:
        print("no output")


def _print_way(followed: Followed) -> None:
    changes: dict[str, list[Change]] = {}
    for change in followed.changes:
        changes.setdefault(change.place, []).append(change)
    for step in followed.steps:
        indent = "  " * (step.depth + 1)
        if step.is_end:
            print(f"{indent}→ {_short(repr(step.item))}")
            continue
        print(f"{indent}{step.place.rpartition(' > ')[2]}  ← {_short(repr(step.item))}")
        for change in changes.pop(step.place, ()):
            _print_change(f"{indent}    ", change)
    for left in changes.values():  # of operators that the record did not come to: a window that it closed
        for change in left:
            print(f"  {change.place}")
            _print_change("      ", change)


def _print_change(indent: str, change: Change) -> None:
    where = f"[{' > '.join(change.scope)}] " if change.scope else ""
    before, after = ("(none)" if side is None else _short(side) for side in (change.before, change.after))
    print(f"{indent}state {where}{before}  ⇒  {after}")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
