"""The version of fxnn: pyproject.toml's. Alone, so that a room that writes it down does not import the whole package."""

__version__ = "0.1.0"
