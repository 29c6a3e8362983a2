"""Which modules of the device package a board needs for a network: those that every network uses, and its kernels' own.

Which family runs a record is decided on the board, by the functions `kernel` of device/fxnn/{thumb,xtensa,rv32,viper,ref}.py,
and which of these, by __init__.py. Here the very same code is run, with stand-ins for what it would import: so there is
no second table that could differ from it.
"""

from __future__ import annotations
import __future__

import ast
import builtins
from collections.abc import Iterable
from functools import lru_cache
from types import SimpleNamespace

from ..fileformat.packed import FAST_TARGET_IDS, Packed
from ..record import BY_NAME
from .board_files import device_folder
from .mpy import ARCHITECTURES

BACKENDS = ("thumb", "xtensa", "rv32", "viper", "ref")


def all_modules() -> frozenset[str]:
    """Names of the device package's modules."""
    return frozenset(path.stem for path in device_folder().glob("*.py"))


def needed(networks: Iterable[Packed], arch: str | None, machine: str = "", source: bool = False,
           backend: str | None = None) -> frozenset[str]:  # fmt: skip
    """Names of the modules that a board of this architecture (mpy.py) and machine (sys.implementation._machine) needs.

    source: the package is .py files; backend: the kernels asked for at fxnn.load; None: those that the board picks.
    """
    backend = backend or picked(arch, machine, source)
    names = {name for name in all_modules() if not _of_a_backend(name)} | {backend}
    for network in networks:
        target = FAST_TARGET_IDS[network.fast_target]
        for op in network.ops:
            names.add(_family(backend, BY_NAME[op.kernel].id, op.words, target))
    return with_imports(names)


def with_imports(names: Iterable[str]) -> frozenset[str]:
    """These modules and those that they import, without the families that only a record asks for."""
    names = more = set(names)
    while more:
        more = {imported for name in more for imported in _imports(name)} - names
        names = names | more
    return frozenset(names)


@lru_cache
def picked(arch: str | None, machine: str = "", source: bool = False) -> str:
    """The backend that fxnn picks on such a board: `fxnn.backend`."""
    number = next((n for n, name in ARCHITECTURES.items() if name == arch), 0)
    implementation = SimpleNamespace(_mpy=number << 10, _machine=machine)
    sys = SimpleNamespace(implementation=implementation)
    return _run("__init__", {"__file__": "__init__.py" if source else "__init__.mpy"}, {"sys": sys})["backend"]


def _of_a_backend(name: str) -> bool:
    return any(name == backend or name.startswith(f"{backend}_") for backend in BACKENDS)


def _family(backend: str, id: int, words, target: int) -> str:
    """The module whose kernel the board's dispatch takes for a record."""
    kernel = _dispatch(backend)["kernel"]
    found = kernel(id) if backend == "ref" else kernel(id, words, target)
    return found if isinstance(found, str) else backend  # ref has kernels of its own


@lru_cache
def _dispatch(backend: str) -> dict:
    return _run(backend)


@lru_cache
def _imports(name: str) -> frozenset[str]:
    """The siblings that a module imports: a dispatcher when it is loaded, others at any time."""
    tree = ast.parse((device_folder() / f"{name}.py").read_text())
    found = set()
    for node in tree.body if name in BACKENDS else ast.walk(tree) if _of_a_backend(name) else ():
        if isinstance(node, ast.ImportFrom) and node.level:
            found |= {node.module} if node.module else {alias.name for alias in node.names}
    return frozenset(found)


class _Family:
    """Stands for a module of kernels: whichever is asked for, the answer is the module's name."""

    def __init__(self, name: str):
        self.kernels = self
        self._name = name

    def __getitem__(self, id: int) -> str:
        return self._name


def _run(name: str, names: dict | None = None, modules: dict | None = None) -> dict:
    """The namespace of a device module that was run here with stand-ins for the board's modules and for its siblings."""
    board = {
        "micropython": SimpleNamespace(viper=lambda f: f, native=lambda f: f, const=lambda n: n),
        **(modules or {}),
    }

    def stand_in(name, globals=None, locals=None, fromlist=(), level=0):
        if not level:
            return board[name] if name in board else __import__(name, None, None, fromlist)
        if name in BACKENDS:
            return SimpleNamespace(**_dispatch(name))
        return _Family(name) if name else SimpleNamespace(**{sibling: _Family(sibling) for sibling in fromlist})

    path = device_folder() / f"{name}.py"
    code = compile(
        path.read_text(), str(path), "exec", __future__.annotations.compiler_flag, True
    )  # ptr8 is no name here
    space = {"__name__": f"fxnn.{name}", "__builtins__": {**vars(builtins), "__import__": stand_in}, **(names or {})}
    exec(code, space)
    return space
