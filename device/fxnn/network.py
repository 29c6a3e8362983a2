"""Network: a packed network bound to its kernels, ready to run."""

from micropython import const

from .file import File
from .tensor import Tensor

# words: written by python -m host_tools.record
_MACS = const(4)
# end of words

_WHERE = {"flash": "in flash", "streamed": "streamed", "in place": "in place"}


class Network:
    """A loaded network; see `fxnn.load`.

    predict, classify: real numbers in and out. input, invoke(), output: raw bytes, no copy, no allocation.
    """

    def __init__(self, source, backend, arena, place):
        if backend == "thumb":
            from . import thumb as arithmetic
        elif backend == "xtensa":
            from . import xtensa as arithmetic
        elif backend == "rv32":
            from . import rv32 as arithmetic
        elif backend == "viper":
            from . import viper as arithmetic
        elif backend == "ref":
            from . import ref as arithmetic
        else:
            raise ValueError("fxnn: backend '%s' unknown, use thumb, xtensa, rv32, viper or ref" % backend)
        if place not in (None, "ram", "flash", "stream"):
            raise ValueError("fxnn: place '%s' unknown, use ram, flash or stream" % place)
        from .loader import load

        self.backend = backend
        self._labels = None
        self._running = False
        self.file = file = File(source)
        shared = isinstance(arena, Network)
        self.arena, self._ops = load(file, arithmetic, arena.arena if shared else arena, place)
        if shared and (file.variables_offset or arena.file.variables_offset):
            raise ValueError("arena: variables cannot be shared")
        view = memoryview(self.arena)
        count = file.input_count
        tensors = [self._tensor(i, view) for i in range(count + file.output_count)]
        self.inputs = tuple(tensors[:count])
        self.outputs = tuple(tensors[count:])
        self.reset()

    def _tensor(self, i, arena):
        name, dtype, rank, _, at, size, scale, zero_point, _, _, *shape = self.file.tensor(i)
        kind = Tensor
        if 3 <= dtype <= 4:
            from .tensor_wide import WideTensor as kind
        return kind(self.file.string(name), dtype, tuple(shape[:rank]), scale, zero_point, arena[at : at + size])

    def __repr__(self):
        file = self.file
        return "<fxnn %s: %d ops, %d MACs, %d bytes%s + %d arena, %s>" % (
            self.name,
            file.op_count,
            sum([file.op(i)[_MACS] for i in range(file.op_count)]),
            file.resident_bytes,
            "" if file.where == "RAM" else " " + _WHERE[file.where],
            file.arena_bytes,
            self.backend,
        )

    @property
    def input(self):
        """The first input Tensor."""
        return self.inputs[0]

    @property
    def output(self):
        """The first output Tensor."""
        return self.outputs[0]

    @property
    def name(self):
        """The network's name from its metadata, or its file's name."""
        return self.metadata.get("name") or (self.file.path or "model").split("/")[-1]

    @property
    def metadata(self):
        """What the file says about itself, a dict; read from the file at each use."""
        return self.file.metadata()

    @property
    def labels(self):
        """The names of the first output's elements, a tuple, empty if the file has none; kept once read."""
        if self._labels is None:
            labels = []
            at = self.file.labels_offset
            for _ in range(self.file.label_count):
                label = self.file.string(at)
                at += len(label.encode()) + 1
                labels.append(label)
            self._labels = tuple(labels)
        return self._labels

    def reset(self):
        """Forgets what the network has seen: its variables (states of LSTM, SVDF, tf.Variable) as they were when loaded."""
        if self.file.variables_offset:
            from .variables import reset

            reset(self.file, self.arena)

    def invoke(self):
        """Runs the ops: inputs to outputs, in the arena. Allocates nothing with native kernels."""
        arena = self.arena
        for kernel, record, constants in self._ops:
            kernel(record, arena, constants)

    async def ainvoke(self):
        """invoke(), letting other tasks run between the ops.

        Leave the network alone until it is done: inputs, outputs and other calls. RuntimeError for a second ainvoke.
        """
        if self._running:
            raise RuntimeError("network: still running")
        self._running = True
        from asyncio import sleep

        arena = self.arena
        try:
            for kernel, record, constants in self._ops:
                kernel(record, arena, constants)
                await sleep(0)
        finally:
            self._running = False

    def predict(self, *reals):
        """The outputs as real numbers, for real inputs: a flat list, or a list of them for several outputs.

        One argument an input, flat or nested in NHWC order. ValueError for another number of values.
        """
        if len(reals) != len(self.inputs):
            raise ValueError("predict: got %d inputs, need %d" % (len(reals), len(self.inputs)))
        for tensor, values in zip(self.inputs, reals):
            tensor.quantize(values)
        self.invoke()
        outputs = [tensor.dequantize() for tensor in self.outputs]
        return outputs if len(outputs) > 1 else outputs[0]

    def classify(self, *reals):
        """(label, probability) of the largest element of the first output; its index where there are no labels.

        Where the network answers with the index itself (int32, ARG_MAX), the probability is None.
        """
        values = self.predict(*reals)
        if len(self.outputs) > 1:
            values = values[0]
        if self.output.dtype == "int32":
            i, best = values[0], None
        else:
            best = max(values)
            i = values.index(best)
        return (self.labels[i] if i < len(self.labels) else i), best

    def summary(self):
        """A Report of the ops: kernels, MACs, bytes of constants, memory. Runs nothing."""
        from .report import summary

        return summary(self)

    def profile(self, clock=None, diff=None):
        """Runs once; a Report of the time of each op, in us.

        `clock()` and `diff(end, start)` replace time.ticks_us and time.ticks_diff, to count something else.
        """
        from .report import profile

        return profile(self, clock, diff)

    def selftest(self):
        """Runs the vectors embedded in the file, one after the other from a reset; their number. It resets again.

        RuntimeError("selftest: vector 0 output 3: got 5, want 6"); elements count through all outputs.
        """
        self.reset()
        at = self.file.selftest_offset
        for vector in range(self.file.selftest_count):
            for tensor in self.inputs:
                tensor.data[:] = self.file.read(at, len(tensor.data))
                at += len(tensor.data)
            self.invoke()
            element = 0
            for tensor in self.outputs:
                want = self.file.read(at, len(tensor.data))
                at += len(tensor.data)
                if tensor.data != want:
                    got = tensor[:]
                    tensor[:] = want  # to read it in its own dtype
                    for i, q in enumerate(tensor):
                        if got[i] != q:
                            raise RuntimeError(
                                "selftest: vector %d output %d: got %d, want %d" % (vector, element + i, got[i], q)
                            )
                element += len(tensor)
        self.reset()
        return self.file.selftest_count
