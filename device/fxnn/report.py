"""Reports for the REPL: tables whose rows are tuples."""

from micropython import const

from .tensor import text_shape

# words: written by python -m host_tools.record
_KERNEL = const(0)
_NAME_OFFSET = const(1)
_CONST_BYTES = const(3)
_MACS = const(4)
# end of words

# kernel names: written by python -m host_tools.record
_KERNELS = (
    "conv_2d depthwise_conv_2d fully_connected max_pool_2d average_pool_2d mean add mul copy softmax lut gather "
    "reduce arg binary select resize_bilinear rows channel_lut - - - - - - - - - - - - transpose_conv batch_matmul "
    "lstm svdf conv_2d_16 depthwise_conv_2d_16 max_pool_2d_16 average_pool_2d_16 mean_16 pairwise_16 rescale "
    "sigmoid_16 softmax_16 cumsum numbers"
).split()
# end of kernel names

_WIDTH = const(34)  # longer names, which TFLite makes, are cut in print


class Report:
    """A table: repr() prints it, `rows` are tuples for scripts, `head` names their columns, `foot` are lines below."""

    def __init__(self, head, rows, foot):
        self.head = head
        self.rows = rows
        self.foot = foot

    def __repr__(self):
        rows = [self.head] + self.rows
        widths = [min(_WIDTH, max([len(str(row[i])) for row in rows])) for i in range(len(self.head))]
        lines = []
        for row in rows:
            cells = []
            for cell, width in zip(row, widths):
                if isinstance(cell, str):
                    cell = cell if len(cell) <= width else cell[: width - 2] + ".."
                    cells.append(cell + " " * (width - len(cell)))
                else:
                    cells.append(" " * (width - len(str(cell))) + str(cell))
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines + self.foot)


def _shapes(net):
    """What each op writes: {op index: shape}, from the tensor entries."""
    shapes = {}
    for i in range(net.file.tensor_count):
        _, _, rank, _, _, _, _, _, first_op, _, *shape = net.file.tensor(i)
        shapes[first_op] = text_shape(shape[:rank])
    return shapes


def where(file):
    """One line: where the constants are used from, and why not from flash where that was tried."""
    text = "constants: " + file.where
    if file.stream:
        stream = file.stream
        kept = len(stream.kept)
        text += ", %d reads of up to %d bytes an invoke, %d bytes kept" % (stream.reads, len(stream.buffer), kept)
    return text + (" (not flash: %s)" % file.why if file.why else "")


def summary(net):
    """See Network.summary. Rows: index, kernel, name, shape written, macs, bytes of constants."""
    shapes = _shapes(net)
    rows = []
    for i in range(net.file.op_count):
        words = net.file.op(i)
        name = net.file.string(words[_NAME_OFFSET])
        rows.append((i, _KERNELS[words[_KERNEL] - 1], name, shapes.get(i, ""), words[_MACS], words[_CONST_BYTES]))
    foot = [repr(tensor) for tensor in net.inputs + net.outputs]
    foot.append(where(net.file))
    foot.append(repr(net))
    return Report(("op", "kernel", "name", "writes", "macs", "bytes"), rows, foot)


def profile(net, clock=None, diff=None):
    """See Network.profile. Rows: index, kernel, name, macs, time."""
    import time

    if clock is None and hasattr(time, "ticks_us"):
        clock = time.ticks_us
        diff = diff or time.ticks_diff
    elif clock is None:

        def clock():
            return time.perf_counter_ns() // 1000

    times = []
    for kernel, record, constants in net._ops:
        start = clock()
        kernel(record, net.arena, constants)
        end = clock()
        times.append(diff(end, start) if diff else end - start)
    rows = []
    for i, spent in enumerate(times):
        words = net.file.op(i)
        rows.append((i, _KERNELS[words[_KERNEL] - 1], net.file.string(words[_NAME_OFFSET]), words[_MACS], spent))
    total = sum(times)
    return Report(
        ("op", "kernel", "name", "macs", "time"),
        rows,
        ["total %d, %d MACs, %s" % (total, sum([row[3] for row in rows]), net.backend)],
    )
