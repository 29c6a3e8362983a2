"""The package as its users see it: Tensor, Network, reports, asyncio. Prints "ok"; an exception says what is wrong.

Runs on MicroPython and on CPython (with tests/stubs on the path), beside two.fxnn and tiny.fxnn of
tests/host/device/test_device_api.py: tiny is the network y = x + 1 (lut, saturated) of 2x3 values with labels a, b and
a passing self-test; two has two inputs, two outputs (the inputs swapped), no labels and a failing self-test.
"""

import array
import asyncio
import sys

import fxnn


def raises(kind, text, function, *args):
    """function(*args) raises `kind` with exactly this text."""
    try:
        function(*args)
    except kind as e:
        if str(e) != text:
            raise AssertionError("got %r, want %r" % (str(e), text))
        return
    raise AssertionError("no " + text)


def equal(got, want):
    if got != want:
        raise AssertionError("got %r, want %r" % (got, want))


def put(tensor, values):
    tensor[:] = values


native = sys.implementation.name == "micropython"
native_name = "thumb" if 4 <= getattr(sys.implementation, "_mpy", 0) >> 10 & 15 <= 8 else "viper"
equal(fxnn.backend, native_name if native else "ref")
raises(
    ValueError,
    "fxnn: backend 'thumb9' unknown, use thumb, xtensa, rv32, viper or ref",
    fxnn.load,
    "tiny.fxnn",
    "thumb9",
)

net = fxnn.load("tiny.fxnn")
x = net.input
equal(repr(x), "<int8 2x3 scale=0.5 zero_point=-1 'input'>")
equal((len(x), x.shape, x.dtype, x.scale, x.zero_point, x.name), (6, (2, 3), "int8", 0.5, -1, "input"))

# raw values
x[:] = bytes([0, 1, 127, 128, 255, 5])
equal(list(x), [0, 1, 127, -128, -1, 5])
equal((x[0], x[3], x[-1]), (0, -128, 5))
equal(list(x[2:5]), [127, -128, -1])
x[:] = [-128, 127, 0, 1, 2, 3]
equal(bytes(x.data), bytes([128, 127, 0, 1, 2, 3]))
x[1] = -2
equal(x[1], -2)
x[4:6] = (7, 8)
equal(list(x), [-128, -2, 0, 1, 7, 8])
x[:] = array.array("b", [-1, -2, -3, 4, 5, 6])
equal(list(x), [-1, -2, -3, 4, 5, 6])
x[:] = net.output
raises(ValueError, "input: got 10 values, need 6 (shape 2x3)", put, x, bytes(10))
raises(ValueError, "input: 128 does not fit int8", put, x, [0, 0, 0, 0, 0, 128])
raises(ValueError, "input: -129 does not fit int8", put, x, [-129] * 6)
raises(ValueError, "input: got 7 values, need 6 (shape 2x3)", x.quantize, [0] * 7)
raises(ValueError, "input: got 3 values, need 6 (shape 2x3)", x.quantize, [[1, 2], [3]])

# real values: q = round(x / 0.5) - 1, halves away from zero, saturated
x.quantize([[0.25, -0.25, 0.75], [1000, -1e9, 0.2]])
equal(list(x), [0, -2, 1, 127, -128, -1])
equal(x.dequantize()[:3], [0.5, -0.5, 1.0])
x.quantize(((i / 2 for i in range(3)), array.array("f", [63.5, 64, -63.5])))
equal(list(x), [-1, 0, 1, 126, 127, -128])

# the network: y = x + 1, raw
x[:] = bytes([0, 1, 127, 128, 255, 5])
net.invoke()
equal(list(net.output), [1, 2, 127, -127, 0, 6])
equal(net.predict([0, 0.5, 1, 1.5, 2, 2.5]), [0.0, 0.25, 0.5, 0.75, 1.0, 1.25])
raises(ValueError, "predict: got 2 inputs, need 1", net.predict, [0], [0])
equal(net.classify([0, 4, 1, 0, 0, 0]), ("b", 2.0))
equal(net.classify([0, 1, 0, 0, 0, 4]), (5, 2.0))
equal(net.labels, ("a", "b"))
equal(net.metadata, {"name": "tiny"})
equal(net.backend, fxnn.backend)
equal(net.selftest(), 2)
equal(repr(net), "<fxnn tiny: 1 ops, 7 MACs, 512 bytes + 16 arena, %s>" % fxnn.backend)
equal((len(net.inputs), len(net.outputs)), (1, 1))

report = net.summary()
equal(report.rows, [(0, "lut", "plus_one", "2x3", 7, 256)])
want = (
    """op  kernel  name      writes  macs  bytes
 0  lut     plus_one  2x3        7    256
<int8 2x3 scale=0.5 zero_point=-1 'input'>
<int8 2x3 scale=0.25 zero_point=0 'output'>
constants: RAM
%r"""
    % net
)
equal(repr(report), want)
row = net.profile().rows[0]
equal(row[:4], (0, "lut", "plus_one", 7))
ticks = iter((100, 142))
report = net.profile(lambda: next(ticks), lambda end, start: 2 * (end - start))
equal(report.rows, [(0, "lut", "plus_one", 7, 84)])
equal(repr(report).split("\n")[-1], "total 84, 7 MACs, " + fxnn.backend)


# asyncio: another task runs between the ops
async def both():
    steps = []

    async def count():
        for i in range(3):
            steps.append(i)
            await asyncio.sleep(0)

    x[:] = bytes(6)
    task = asyncio.create_task(count())
    await net.ainvoke()
    await task
    return steps


equal(asyncio.run(both()), [0, 1, 2])
equal(list(net.output), [1] * 6)

# two inputs, two outputs, bytes instead of a path, both backends
with open("two.fxnn", "rb") as f:
    raw = f.read()
for backend in ("viper", "ref") if native else ("ref",):
    for source in (raw, memoryview(raw), bytearray(raw), "two.fxnn"):
        two = fxnn.load(source, backend)
        equal(two.predict([1, 2], [3, 4, 5]), [[3.0, 4.0, 5.0], [1.0, 2.0]])
        equal(two.classify([1, 2], [3, 9, 5]), (1, 9.0))
        equal(two.labels, ())
        equal(two.inputs[1].name, "second")
        raises(RuntimeError, "selftest: vector 1 output 3: got 5, want 6", two.selftest)
unaligned = bytearray(len(raw) + 1)
unaligned[1:] = raw
equal(fxnn.load(memoryview(unaligned)[1:]).predict([1, 2], [3, 4, 5]), [[3.0, 4.0, 5.0], [1.0, 2.0]])
equal(two.outputs[1].dtype, "uint8")
two.outputs[1][:] = b"\xff\x00"
equal(list(two.outputs[1]), [255, 0])
equal(list(two.outputs[1][:]), [255, 0])
raises(ValueError, "out2: -1 does not fit uint8", put, two.outputs[1], [0, -1])
print("ok")
