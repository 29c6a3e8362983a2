"""A trained model to a packed file: read, fuse, lower, plan, pack, self-test. The pipeline is the table of contents."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import ToolError
from ..exact import run as exact
from ..fileformat import packed
from ..fileformat.quantized_io import input_limits
from ..files import read_file, write_atomically
from ..ir import Graph
from ..memory import place, plan
from ..ops import lowering as lower
from ..readers import tflite
from ..version import __version__
from . import pack, passes, tflm_arena
from .options import ConvertOptions

_MAX_VECTOR_BYTES = 4096  # networks with larger inputs carry one self-test vector


@dataclass(frozen=True)
class Conversion:
    """The packed file and what converting saved."""

    data: bytes = field(repr=False)
    source_ops: int
    records: int
    fused: dict[str, int]
    plan: plan.Plan = field(repr=False)

    def lines(self) -> list[str]:
        """The report, for people."""
        p = self.plan
        saved = ", ".join(f"{n} by {name}" for name, n in self.fused.items() if n) or "none"
        percent = 100 * (p.unshared_bytes - p.arena_bytes) / p.unshared_bytes if p.unshared_bytes else 0
        return [
            f"ops: {self.source_ops} -> {self.records} kernel calls (removed: {saved})",
            f"arena: {p.arena_bytes:,} bytes; without sharing {p.unshared_bytes:,}, saved {percent:.0f} %; "
            f"{p.inplace} ops write over their input; without that the widest moment would need {p.floor_bytes:,}",
            self._file_line(),
        ]

    def _file_line(self) -> str:
        network = packed.read(self.data)
        if not network.pieces:
            return f"file: {len(self.data):,} bytes, of which {network.resident_bytes:,} stay in RAM while it runs"
        constants = network.resident_bytes - network.records_bytes
        return (
            f"file: {len(self.data):,} bytes, of which {network.records_bytes:,} stay in RAM; {constants:,} are used in "
            f"the flash of an RP2 board and streamed on others, in {network.pieces} pieces, unless they fit in RAM"
        )


def convert(data: bytes, name: str, options: ConvertOptions | None = None, *, labels: tuple[str, ...] = (),
            source: str = "", **changes) -> Conversion:  # fmt: skip
    """The packed form of a full-int8 .tflite file. `changes`: of fields of the options, by name.

    Raises ToolError naming every op that cannot run, or labels that do not fit.
    """
    options = replace(options or ConvertOptions(), **changes)
    try:
        sha256 = hashlib.sha256(data).hexdigest()
        graph = tflite.read(data, source or name)
        return convert_graph(graph, name, options, labels=labels, source=source, sha256=sha256)
    except ToolError:
        raise
    except Exception as e:  # a damaged model fails anywhere; a well-formed one shows a bug of ours
        raise ToolError(
            f"{name} cannot be converted",
            f"{type(e).__name__}: {e}",
            "export it again; if TensorFlow Lite runs it, this is a bug of fxnn: please report it with the model",
        ) from e


def convert_graph(graph: Graph, name: str, options: ConvertOptions | None = None, *, labels: tuple[str, ...] = (),
                  source: str = "", sha256: str = "", metadata: dict | None = None, **changes) -> Conversion:  # fmt: skip
    """The packed form of an int8 graph, as the reader or the quantizer makes it; `sha256`: of the file it came from."""
    options = replace(options or ConvertOptions(), **changes)
    source_ops = len(graph.ops)
    limit = tflm_arena.least_bytes(graph)
    graph, fused = passes.run(graph)
    lowered = lower.lower(graph, options.kind.fast_target)
    memory = _placed(lowered, options, limit)
    program = memory.program
    classes = graph.tensors[graph.outputs[0]].size
    picked = graph.tensors[graph.outputs[0]].dtype == "int32"  # the network names the class itself: ARG_MAX
    if labels and len(labels) != classes and not picked:
        raise ToolError(
            f"{len(labels)} labels for {classes} outputs", fix="give one label per line, in the order of the outputs"
        )
    metadata = {
        "name": _utf8(name),
        "source": _utf8(source),
        "source_sha256": sha256,
        "created_by": f"fxnn {__version__}",
        **({"ram_bytes": options.ram} if options.ram else {}),
        **(metadata or {}),
    }
    bare = pack.pack(program, memory, labels, metadata)
    vectors = _selftest(packed.read(bare, name), options.selftest)
    return Conversion(
        data=pack.pack(program, memory, labels, metadata, vectors),
        source_ops=source_ops,
        records=len(program.steps),
        fused={**fused, **program.saved},
        plan=memory,
    )


def _placed(lowered: lower.Program, options: ConvertOptions, limit: int) -> plan.Plan:
    """The memory plan, with the constants cut or not (options.placing); "auto" cuts them where arena and constants exceed
    the board's RAM, if that leaves an arena within the budget. `limit`: bytes of TensorFlow Lite Micro's arena."""
    memory = None
    for cut in {"ram": (False,), "flash": (True,), "auto": (False, True)}[options.placing]:
        try:
            memory = plan.make(place.cut_large(lowered, cut), options.prefer, limit, options.ram, options.striped)
        except ToolError:  # over the budget
            if memory is None:
                raise
            break
        if memory.arena_bytes + pack.resident_bytes(memory.program) <= (options.ram or options.kind.budget_bytes):
            break
    assert memory is not None  # the first turn has made one, or raised
    return memory


def _utf8(text: str) -> str:
    """`text` without what no UTF-8 holds (file names may)."""
    return text.encode("utf-8", "replace").decode()


def convert_bytes(data: bytes, name: str = "model", options: ConvertOptions | None = None, **changes) -> bytes:
    """As convert(); only the packed file."""
    return convert(data, name, options, **changes).data


def convert_file(path: str | Path, out: str | Path, options: ConvertOptions | None = None, *, name: str | None = None,
                 labels: str | Path | None = None, **changes) -> Conversion:  # fmt: skip
    """Converts the file at `path` and writes `out` at once or not at all. `labels`: a text file, one label per line."""
    path, out = Path(path), Path(out).resolve()
    if out.exists() and path.exists() and out.samefile(path):
        raise ToolError(
            f"{path} would be overwritten by its own conversion", fix="name another output, such as model.fxnn"
        )
    texts = read_labels(Path(labels)) if labels else ()
    conversion = convert(read_file(path), name or out.stem, options, labels=texts, source=path.name, **changes)
    write_atomically(out, conversion.data)
    return conversion


def read_labels(path: Path) -> tuple[str, ...]:
    """One label per line, UTF-8 (with Windows' mark or without), empty lines left out."""
    try:
        text = read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise ToolError(f"{path} is not UTF-8 text", str(e), "save it as UTF-8") from None
    if "\0" in text:
        raise ToolError(f"{path} is not a text file", "it holds a zero byte", "give one label per line")
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def _random(random: np.random.Generator, network: packed.Packed, tensor: packed.TensorEntry) -> np.ndarray:
    if tensor.dtype in ("int8", "uint8"):
        return random.integers(0, 256, tensor.shape, np.uint8).view(tensor.dtype)
    low, high = input_limits(network, tensor)
    return random.integers(low, high + 1, tensor.shape).astype(tensor.dtype)


def _selftest(network: packed.Packed, count: int) -> tuple[bytes, ...]:
    """`count` vectors (one for large networks) with a fixed seed: inputs, then what the host's kernels answer."""
    if sum(t.bytes for t in network.inputs + network.outputs) > _MAX_VECTOR_BYTES:
        count = min(count, 1)
    random = np.random.default_rng(0)
    vectors = []
    state = exact.first_state(network)  # the vectors follow each other, as the board's self-test runs them
    for _ in range(count):
        inputs = [_random(random, network, t) for t in network.inputs]
        outputs = exact.run(network, inputs, state=state)
        vectors.append(b"".join(np.ascontiguousarray(a).tobytes() for a in (*inputs, *outputs)))
    return tuple(vectors)
