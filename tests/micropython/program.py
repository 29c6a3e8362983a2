"""A program as a maker writes it, for every network in the folder: prints all that the API answers.

Runs with the device package (on CPython, MicroPython) and with the computer's `import fxnn`: all print the same.
"""

import asyncio
import os

import fxnn


def show(*values):
    """The backend's name is what may differ."""
    print(" ".join([str(v) for v in values]).replace(net.backend, "BACKEND"))


def numbers(values):
    """In millionths: MicroPython prints the last digits of floats in its own way."""
    return [int(v * 1000000) for v in values]


def attempt(what, function, *args):
    """The error of function(*args), or its answer."""
    try:
        show(what, function(*args))
    except (ValueError, RuntimeError) as e:
        print(what, type(e).__name__, e)


def put(tensor, values):
    tensor[:] = values


def put_first(tensor, value):
    tensor[0] = value


def reals(tensor, step):
    """Well inside a step of the tensor's scale, where rounding in single and in double precision agree."""
    return [tensor.scale * (i * step % 41 - 20 + 0.3) for i in range(len(tensor))]


async def beside(net):
    steps = []

    async def count():
        for i in range(3):
            steps.append(i)
            await asyncio.sleep(0)

    task = asyncio.create_task(count())
    await net.ainvoke()
    await task
    return steps


async def twice(net):
    task = asyncio.create_task(net.ainvoke())
    await asyncio.sleep(0)
    try:
        await net.ainvoke()
    except RuntimeError as e:
        print("ainvoke", e)
    await task


for name in sorted(os.listdir(".")):
    if not name.endswith(".fxnn"):
        continue
    net = fxnn.load(name)
    assert net.backend == fxnn.backend
    show("===", net)
    show(net.name, net.labels, sorted(net.metadata.items()))
    show(net.file.where, net.file.arena_bytes, net.file.resident_bytes, net.file.op_count)
    for tensor in net.inputs + net.outputs:
        show(tensor, len(tensor), tensor.shape, tensor.dtype, "%.6g" % tensor.scale, tensor.zero_point, tensor.name)
    show(repr(net.summary()))
    show(net.summary().rows, net.summary().head)
    show([row[:4] for row in net.profile().rows], net.profile().head)
    ticks = iter(range(0, 1000, 7))
    show(repr(net.profile(lambda: next(ticks), lambda end, start: 3 * (end - start))))

    # floats, one inference after the other: a network with variables goes on where the last one stopped
    net.reset()
    for step in (1, 7, 12):
        answer = net.predict(*[reals(t, step) for t in net.inputs])
        show([numbers(a) for a in answer] if len(net.outputs) > 1 else numbers(answer))
    net.reset()
    show(net.classify(*[reals(t, 5) for t in net.inputs]))
    show([numbers(t.dequantize()) for t in net.inputs if t.dtype != "int32"])
    attempt("predict", net.predict, *[[0]] * (len(net.inputs) + 1))

    # raw ones
    x, y = net.input, net.output
    size = len(x.data)
    for raw in (bytes(size), bytearray([i * 29 & 127 for i in range(size)]), memoryview(bytes([1] * size))):
        net.reset()
        x[:] = raw
        show(list(x)[:9], x[0], x[-1], x[1:4])
        net.invoke()
        show(list(y)[:9], y[:2], bytes(y.data)[:8])
    x[:] = [i % 5 for i in range(len(x))]
    x[1] = 3
    x[0:2] = (4, 5)
    show(list(x)[:6])
    x[:] = x
    attempt("short", put, x, bytes(size + 4))
    attempt("large", put_first, x, 1 << 31)
    attempt("larger", put, x, [-(1 << 31) - 1] * len(x))
    attempt("reals", x.quantize, [0] * (len(x) + 1))
    attempt("text", x.quantize, "0")
    x.quantize([[1e30 if i % 2 else -1e30] for i in range(len(x))])
    show(x[:3])
    show(asyncio.run(beside(net)) == [0, 1, 2])
    if net.file.op_count > 1:
        asyncio.run(twice(net))
    attempt("selftest", net.selftest)

    # other ways to load it
    with open(name, "rb") as file:
        data = file.read()
    attempt("bytes", lambda: repr(fxnn.load(data)).split(":")[1])
    attempt("place", lambda: repr(fxnn.load(name, place="ram")))
    attempt("shared", lambda: repr(fxnn.load(data, arena=net)))
    attempt(
        "given",
        lambda: fxnn.load(data, arena=bytearray(net.file.arena_bytes)).classify(*[reals(t, 3) for t in net.inputs]),
    )
    attempt("small", lambda: fxnn.load(data, arena=bytearray(net.file.arena_bytes - 1)))
    attempt("damaged", lambda: fxnn.load(data[:-1]))
    attempt("backend", lambda: fxnn.load(name, "thumb9"))
    attempt("nowhere", lambda: fxnn.load(name, place="rom"))
try:
    fxnn.load("missing.fxnn")
except OSError:
    print("OSError")
attempt("other", lambda: fxnn.load(b"not a network"))
