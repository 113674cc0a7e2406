"""RxSci's vocabulary that makiserve itself does not use: files, formats, framing, compression, distributions.

It is for notebooks, scripts and code that was written for RxSci. Each module also has the path that RxSci gives it:
`makiserve.stream.container.csv` is `makiserve.stream.rxsci.container.csv`.
"""

import sys

from makiserve.stream.rxsci import compression, container, distribution, framing, io

__all__ = ["compression", "container", "distribution", "framing", "io"]

_PATHS = {
    "compression": "compression",
    "container": "container",
    "distribution": "math.dist",
    "framing": "framing",
    "io": "io",
}

for _name, _module in tuple(sys.modules.items()):
    _folder, _dot, _rest = _name.removeprefix(f"{__name__}.").partition(".")
    if _name.startswith(f"{__name__}.") and _folder in _PATHS:
        sys.modules[f"makiserve.stream.{_PATHS[_folder]}{_dot}{_rest}"] = _module
