"""Find a pipeline's factory and record type by the pipeline's name."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from makiserve.errors import ConfigurationError
from makiserve.records import Record
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.trace import Transform, trace_factory

FACTORY = "features"
SHOWN = 10
FORM = (
    "A pipeline is named MODULE:FUNCTION, such as features:features, in the folder of features.py, or FILE.py:FUNCTION"
)


class EntryPoint(NamedTuple):
    """A pipeline that was found by its name.

    Attributes:
        name: the name that it was found by.
        module: the module that contains it.
        features: the pipeline's factory.
        record_name: the name of the record type; empty if `name` does not contain one.
    """

    name: str
    module: ModuleType
    features: Callable[[], Transform]
    record_name: str

    @property
    def record(self) -> type[Record]:
        """The record type in the pipeline's module.

        Raises:
            ConfigurationError: there is none, or there are several and `name` does not select one of them.
        """
        types: list[type[Record]] = [kind for _, kind in inspect.getmembers(self.module, _is_record)]
        defined_here = [kind for kind in types if kind.__module__ == self.module.__name__] or types
        named = [kind for kind in defined_here if self.record_name in ("", kind.__name__)]
        if len(named) != 1:
            names = ", ".join(kind.__name__ for kind in defined_here) or "none"
            raise ConfigurationError(
                f"{self.name}: {self.module.__name__} must have exactly one record type next to the pipeline; it "
                f"has: {names}. If there are several, name the one of the input: "
                f"{self.module.__name__}:{self.features.__name__}:NAME"
            )
        return named[0]

    def plan(self) -> Plan:
        """Trace the pipeline.

        Raises:
            ConfigurationError: the factory fails, or does not return a pipeline.
        """
        try:
            return trace_factory(self.features)
        except ConfigurationError:
            raise
        except Exception as error:
            raise ConfigurationError(f"{self.name}: {_words(error)}") from error


def find_pipeline(name: str) -> EntryPoint:
    """Import a pipeline by its name.

    Args:
        name: `module:function`, as for an import from the working directory, or `file.py:function`. The default
            function is `features`. Append `:Record` if the module has several record types.

    Raises:
        ConfigurationError: the module or function does not exist, or its import fails.
    """
    if ":/" in name:
        raise ConfigurationError(f"{name}: the URI of a logged model is not the name of a pipeline. {FORM}")
    place, function, record_name = [*name.split(":"), "", ""][:3]
    module = _module_of_file(name, Path(place)) if place.endswith(".py") else _module(name, place, Path.cwd())
    factory: Any = getattr(module, function or FACTORY, None)
    if not callable(factory):
        raise ConfigurationError(
            f"{name}: {module.__name__} ({module.__file__ or 'a folder without __init__.py'}) has no function "
            f"{function or FACTORY!r}{_functions(module, function or FACTORY)}. {FORM}"
        )
    return EntryPoint(name, module, factory, record_name)


def _functions(module: ModuleType, name: str) -> str:
    """Return the end of a message: the functions that a module defines, those with similar names if there are some."""
    names = [
        other
        for other, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not other.startswith("_")
    ]
    shown = get_close_matches(name, names) or names
    return f"; it defines {', '.join(shown[:SHOWN])}{', …' if len(shown) > SHOWN else ''}" if shown else ""


def _module_of_file(name: str, file: Path) -> ModuleType:
    """Import a file as a module, under the name that it has in its enclosing packages."""
    if not file.is_file():
        folder = file.absolute().parent
        has = _modules(file.stem, folder)
        raise ConfigurationError(f"{name}: the file {file.name} does not exist in {folder}{has}. {FORM}")
    file = file.resolve()
    root = file.parent
    while (root / "__init__.py").is_file():
        root = root.parent
    module = _module(name, ".".join(file.with_suffix("").relative_to(root).parts), root)
    if Path(module.__file__ or "").resolve() != file:
        raise ConfigurationError(f"{name}: {module.__file__} is already imported as {module.__name__}: rename the file")
    return module


def _module(name: str, module: str, root: Path) -> ModuleType:
    if not all(module.split(".")):
        raise ConfigurationError(f"{name}: {module!r} is not the name of a module. {FORM}")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))  # permanently: the pipeline's functions may import later
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            raise ConfigurationError(f"{name}: {error}{_not_found(error.name, root)}. {FORM}") from error
        raise ConfigurationError(
            f"{name}: the import of {module} failed: {error}. Install it in the environment of makiserve, "
            f"{sys.prefix}, or start makiserve in the folder that contains it"
        ) from error
    except Exception as error:
        raise ConfigurationError(f"{name}: {_words(error)}") from error


def _not_found(module: str, root: Path) -> str:
    """Return the end of a message about a missing module: where it was searched, and the modules that are there."""
    package, _, last = module.rpartition(".")
    parent = sys.modules.get(package)
    if parent is not None and hasattr(parent, last):
        return f". Write a colon before the function: {package}:{last}"
    folders = [Path(folder) for folder in getattr(parent, "__path__", ())] if package else [root]
    searched = "; ".join(f"{folder}{_modules(last, folder)}" for folder in folders)
    if not package:
        searched += "; and in the other folders of sys.path"
    return f". It was searched in {searched}" if searched else ""


def _modules(name: str, folder: Path) -> str:
    """Return a clause about the modules in a folder: those with similar names if there are some."""
    files = folder.iterdir() if folder.is_dir() else ()
    names = sorted({file.stem for file in files if file.suffix == ".py" or (file / "__init__.py").is_file()})
    shown = get_close_matches(name, names) or names[:SHOWN]
    return f", which has {' and '.join(shown)}" if shown else ""


def _is_record(member: Any) -> bool:
    return inspect.isclass(member) and issubclass(member, Record) and member is not Record


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
