"""fxnn's host tools: trained networks to packed files to boards. `python -m host_tools --help`."""

__version__ = "0.1.0"
