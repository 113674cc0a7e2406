"""The settings: one frozen tree, built once and never changed.

A flag overrides the environment, which overrides the configuration file, which overrides the default.

To add an option, declare a field in a section (`service_sections.py`, `offline_sections.py`), and read it where it is
needed:

```python
class ServeSettings(Section, table="serve"):
    warm_up: timedelta | None = option(default=None, help="The history to score without output at the start.")
```

That adds `--warm-up 6h`, `MAKISERVE_WARM_UP=6h` and `warm-up = "6h"` in the table `[serve]`; `makiserve config` shows
it, and `make docs` adds it to the reference. The type determines how a value is written: `str`, `int`, `float`, `bool`,
`Path`, `timedelta` (`100ms`), `Literal`, a tuple (repeatable), a mapping (pairs), an `int` whose name ends in `_bytes`
(`64MiB`); `| None` makes it optional. A new section is a class there and a line in `SECTIONS`.
"""

from makiserve.settings.offline_sections import TOPIC_PREFIX, AuditSettings, ReplaySettings
from makiserve.settings.section import Option, Section, option, options
from makiserve.settings.service_sections import (
    BrokerSettings,
    InputFormat,
    LogSettings,
    ModelSettings,
    ServeSettings,
    SubjectStrategy,
    WebSettings,
    is_alias,
)
from makiserve.settings.settings import Settings
from makiserve.settings.value_sources import Given, given_by_environment, given_by_file, given_by_flags

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
    "SubjectStrategy",
    "WebSettings",
    "given_by_environment",
    "given_by_file",
    "given_by_flags",
    "is_alias",
    "option",
    "options",
]
