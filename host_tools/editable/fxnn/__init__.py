"""`import fxnn` in a checkout: the folder host_tools under the name that it has when it is installed.

An editable install puts the folder above this one on Python's path; a wheel does not hold it (pyproject.toml). A path in
a .pth file and no import hook, so that a device package that comes first on the path is the one imported.
"""

import importlib.util
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location(__name__, Path(__file__).resolve().parents[2] / "__init__.py")
_package = importlib.util.module_from_spec(_spec)
sys.modules[__name__] = _package  # what `import` returns, once this file has run
_spec.loader.exec_module(_package)
