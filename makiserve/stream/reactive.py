"""The installed ReactiveX library: rx 3, reactivex 4 or newer, or both. Only this module imports them.

Their Observables differ in little but the name of the package. With both installed, operators accept either kind, and
the streams that makiserve creates are those of rx.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from importlib import import_module
from types import ModuleType, new_class
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import rx as rx
    from rx.disposable import CompositeDisposable as CompositeDisposable
    from rx.disposable import Disposable as Disposable
    from rx.disposable import SerialDisposable as SerialDisposable
    from rx.scheduler import CurrentThreadScheduler as CurrentThreadScheduler
    from rx.scheduler import ImmediateScheduler as ImmediateScheduler
    from rx.subject import Subject as Subject

    BaseObservable = rx.Observable

Observer: TypeAlias = Any
Scheduler: TypeAlias = Any


def _installed() -> list[ModuleType]:
    installed = []
    for name in ("rx", "reactivex"):
        try:
            installed.append(import_module(name))
            import_module(f"{name}.operators")
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
    if not installed:
        raise ModuleNotFoundError("makiserve needs a ReactiveX library: pip install rx, or pip install reactivex")
    return installed


LIBRARIES = _installed()
"""rx, reactivex, or both in this order."""

OBSERVABLES: tuple[type[Any], ...] = tuple(library.Observable for library in LIBRARIES)
"""The class of an Observable in each of them."""

if not TYPE_CHECKING:
    rx = LIBRARIES[0]
    BaseObservable = new_class("BaseObservable", OBSERVABLES)  # an Observable for every installed library
    _disposable, _scheduler, _subject = (
        import_module(f"{rx.__name__}.{part}") for part in ("disposable", "scheduler", "subject")
    )
    CompositeDisposable = _disposable.CompositeDisposable
    Disposable = _disposable.Disposable
    SerialDisposable = _disposable.SerialDisposable
    CurrentThreadScheduler = _scheduler.CurrentThreadScheduler
    ImmediateScheduler = _scheduler.ImmediateScheduler
    Subject = _subject.Subject


def is_observable(value: object) -> bool:
    """Return whether this is an Observable of an installed library."""
    return isinstance(value, OBSERVABLES)


def library_of(stream: rx.Observable) -> Any:
    """Return the library that an Observable belongs to; only its operators may be applied to it.

    The operators of rx call methods that an Observable of reactivex does not have.
    """
    return next((library for library in LIBRARIES if isinstance(stream, library.Observable)), LIBRARIES[0])


def compose(*operators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the operators as one, as `rx.pipe` and `reactivex.compose` do."""
    return lambda source: reduce(lambda stream, operator: operator(stream), operators, source)
