"""fxnn on the computer. In a checkout this folder is called host_tools; installed, and for `import fxnn`, it is fxnn.

    import fxnn
    net = fxnn.load("digits.fxnn")      the board's API, on the exact NumPy kernels: a program made here runs there
    net.classify(pixels)
    fxnn.convert, fxnn.quantize, fxnn.evaluate, fxnn.report, fxnn.run      the commands as functions

`python -m host_tools --help`, installed `fxnn --help`, is the command line.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from .api.network import Network, load
    from .api.notebook import convert, evaluate, quantize, report, run
    from .api.tensor import Tensor
    from .compiler.options import ConvertOptions
    from .errors import ToolError

# What the package offers, and where that is defined. Imported when it is asked for: `fxnn --help` needs no numpy.
_HOMES = {
    "Network": "api.network", "load": "api.network", "Tensor": "api.tensor",
    "convert": "api.notebook", "evaluate": "api.notebook", "quantize": "api.notebook", "report": "api.notebook",
    "run": "api.notebook", "ConvertOptions": "compiler.options", "ToolError": "errors",
}  # fmt: skip

__all__ = [
    "ConvertOptions", "Network", "Tensor", "ToolError", "__version__", "backend", "convert", "evaluate", "load", "quantize",
    "report", "run",
]  # fmt: skip

backend = "numpy"  # the kernels of load(); a board says "thumb", "viper", ...

# The import system names a package's rooms in it when they are first imported. The room report/ has the name of the
# function report(), so it is imported here, where it costs nothing, and its name is given back.
import_module(".report", __name__)
del report  # noqa: F821


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return __all__
