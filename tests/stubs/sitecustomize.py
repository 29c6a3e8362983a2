"""CPython runs this when it starts with this folder on PYTHONPATH: device code may use `const` before any import."""

import micropython  # noqa: F401
