"""What makiserve is told: one frozen tree of settings, made once, never changed.

A flag wins over the environment, that over the configuration file, that over the default.

How to add an option: declare one field in a section, a file of this package, and read it where it is needed:

```python
class ServeSettings(Section, table="serve"):
    warm_up: timedelta | None = option(default=None, help="How far back records are scored silently at the start.")
```

`--warm-up 6h`, `MAKISERVE_WARM_UP=6h` and `warm-up = "6h"` in the table `[serve]` exist now, `makiserve config` shows
it, and `make docs` writes it into the reference. The type says how a value is written: `str`, `int`, `float`, `bool`,
`Path`, `timedelta` (`100ms`), `Literal`, a tuple (repeatable), a mapping (pairs), an `int` whose name ends in `_bytes`
(`64MiB`); `| None` where it may be absent. A new section is a file like the others, and a line in `SECTIONS`.
"""

from makiserve.settings.section import Option, Section, option, options
from makiserve.settings.sections import (
    TOPIC_PREFIX,
    AuditSettings,
    BrokerSettings,
    InputFormat,
    LogSettings,
    ModelSettings,
    ReplaySettings,
    ServeSettings,
    WebSettings,
    is_alias,
)
from makiserve.settings.settings import Settings
from makiserve.settings.sources import Given, given_by_environment, given_by_file, given_by_flags

SECTIONS: tuple[type[Section], ...] = (
    ModelSettings,
    ServeSettings,
    BrokerSettings,
    WebSettings,
    ReplaySettings,
    AuditSettings,
    LogSettings,
)

__all__ = [
    "SECTIONS",
    "TOPIC_PREFIX",
    "AuditSettings",
    "BrokerSettings",
    "Given",
    "InputFormat",
    "LogSettings",
    "ModelSettings",
    "Option",
    "ReplaySettings",
    "Section",
    "ServeSettings",
    "Settings",
    "WebSettings",
    "given_by_environment",
    "given_by_file",
    "given_by_flags",
    "is_alias",
    "option",
    "options",
]
