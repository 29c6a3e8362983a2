"""invoke() allocates nothing; loading and forgetting a network gives its memory back. Prints "ok".

all.fxnn (tests/host/device/test_device_api.py) is a network that uses every kernel.
"""

import gc

import fxnn
import micropython
import parameters

ROUNDS = getattr(parameters, "ROUNDS", 100)

net = fxnn.load("all.fxnn")
net.invoke()
micropython.heap_lock()
net.invoke()
net.invoke()
locked = micropython.heap_unlock()
if locked:
    raise AssertionError("heap still locked")
print("kernels", sorted([net.file.op(i)[0] for i in range(net.file.op_count)]))

answers = []
for place in ("ram", "stream"):
    net = fxnn.load("all.fxnn", place=place)
    for tensor in net.inputs:
        tensor.data[:] = bytes([7 * i & 255 for i in range(len(tensor.data))])
    micropython.heap_lock()
    net.invoke()
    micropython.heap_unlock()
    answers.append(b"".join([bytes(tensor.data) for tensor in net.outputs]))
if answers[0] != answers[1]:
    raise AssertionError("streamed: another answer")


def cycle(source):
    net = fxnn.load(source)
    net.invoke()
    net = None


def used():
    gc.collect()
    return gc.mem_alloc()


net = None
with open("all.fxnn", "rb") as f:
    raw = f.read()
for source in ("all.fxnn", raw):
    cycle(source)
    # Every round of a leak takes more. What the collector takes for a pointer, in a register or on the stack, keeps a
    # network alive that is forgotten, but once.
    for _ in range(2):
        before = used()
        for _ in range(ROUNDS):
            cycle(source)
        grown = used() - before
        if grown <= 512:
            break
    else:
        raise AssertionError("heap grew by %d bytes in %d loads, and before" % (grown, ROUNDS))
print("ok")
