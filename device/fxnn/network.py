"""Network: a packed network bound to its kernels, ready to run."""

from .file import File
from .tensor import Tensor


class Network:
    """A loaded network; see `fxnn.load`.

    predict, classify: real numbers in and out. input, invoke(), output: raw bytes, no copy, no allocation.
    """

    def __init__(self, source, backend):
        if backend == "thumb":
            from . import thumb as arithmetic
        elif backend == "viper":
            from . import viper as arithmetic
        elif backend == "ref":
            from . import ref as arithmetic
        else:
            raise ValueError("fxnn: backend '%s' unknown, use thumb, viper or ref" % backend)
        self.backend = backend
        self.file = File(source, arithmetic.aligned)
        self.arena = self.file.arena
        self._labels = None
        self._running = False
        resident = memoryview(self.file.resident)
        ops = []
        for i in range(self.file.op_count):
            words = self.file.op(i)
            at = self.file.ops_offset + 160 * i
            ops.append(
                (
                    arithmetic.kernel(words[0], words, self.file.fast_target),
                    arithmetic.record(resident[at : at + 160]),
                    resident[words[2] : words[2] + words[3]],
                )
            )
        self._ops = ops
        arena = memoryview(self.arena)
        count = self.file.input_count
        tensors = [self._tensor(i, arena) for i in range(count + self.file.output_count)]
        self.inputs = tuple(tensors[:count])
        self.outputs = tuple(tensors[count:])

    def _tensor(self, i, arena):
        name, dtype, rank, _, at, size, scale, zero_point, _, _, *shape = self.file.tensor(i)
        return Tensor(self.file.string(name), dtype, tuple(shape[:rank]), scale, zero_point, arena[at : at + size])

    def __repr__(self):
        return "<fxnn %s: %d ops, %d MACs, %d bytes + %d arena, %s>" % (
            self.name,
            self.file.op_count,
            sum([self.file.op(i)[4] for i in range(self.file.op_count)]),
            len(self.file.resident),
            len(self.arena),
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
        return self.metadata.get("name") or self.file.path or "model"

    @property
    def metadata(self):
        """What the file says about itself, a dict; read from the file at each use."""
        if not self.file.metadata_bytes:
            return {}
        from json import loads

        return loads(bytes(self.file.read(self.file.metadata_offset, self.file.metadata_bytes)).decode())

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
        """(label, probability) of the largest element of the first output; its index where there are no labels."""
        values = self.predict(*reals)
        if len(self.outputs) > 1:
            values = values[0]
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
        """Runs the vectors embedded in the file; their number.

        RuntimeError("selftest: vector 0 output 3: got 5, want 6"); elements count through all outputs.
        """
        at = self.file.selftest_offset
        for vector in range(self.file.selftest_count):
            for tensor in self.inputs:
                tensor.data[:] = self.file.read(at, len(tensor))
                at += len(tensor)
            self.invoke()
            element = 0
            for tensor in self.outputs:
                low = 128 if tensor.dtype == "int8" else 0
                want = self.file.read(at, len(tensor))
                at += len(tensor)
                for i, got in enumerate(tensor):
                    if got != (want[i] ^ low) - low:
                        raise RuntimeError(
                            "selftest: vector %d output %d: got %d, want %d"
                            % (vector, element + i, got, (want[i] ^ low) - low)
                        )
                element += len(tensor)
        return self.file.selftest_count
