"""Loads and unloads, invokes, and networks that share an arena; net.fxnn is cut into pieces, other.fxnn is not.
Prints "ok"."""

import gc

import fxnn
import micropython
import parameters

ROUNDS = getattr(parameters, "ROUNDS", 10)
INVOKES = getattr(parameters, "INVOKES", 100)
PLACES = ("stream", "ram", None)

with open("input.bin", "rb") as f:
    X = f.read()
with open("output.bin", "rb") as f:
    WANT = f.read()


def answer(net):
    net.input.data[:] = X
    net.invoke()
    return bytes(net.output.data)


def used():
    gc.collect()
    return gc.mem_alloc()


def cycle(place):
    net = fxnn.load("net.fxnn", place=place)
    if answer(net) != WANT:
        raise AssertionError("wrong answer")


def raises(text, *args, **more):
    try:
        fxnn.load(*args, **more)
    except (ValueError, MemoryError) as e:
        if text not in str(e):
            raise
        return
    raise AssertionError("nothing raised, want " + text)


for place in PLACES:
    for _ in range(3):
        cycle(place)
    before = used()
    for _ in range(ROUNDS):
        cycle(place)
    # what the collector finds on the stack may differ by a little from one collection to the next
    if used() - before > 512:
        raise AssertionError("%s: heap grew by %d bytes" % (place, used() - before))

    net = fxnn.load("net.fxnn", place=place)
    answer(net)
    before = used()
    micropython.heap_lock()
    for _ in range(INVOKES):
        net.invoke()
    micropython.heap_unlock()
    if used() - before > 64:
        raise AssertionError("%s: invoke() took heap" % place)
    net = None

# Nothing is held twice: what a network takes is its file's part that runs, its arena, and small objects.
before = used()
net = fxnn.load("net.fxnn", place="ram")
more = used() - before - net.file.resident_bytes - len(net.arena)
print("objects", more)
if more > 12000:
    raise AssertionError("%d bytes besides the network's own" % more)

# Two networks, one arena: the second adds nothing of that size, and both answer.
arena_bytes = net.file.arena_bytes
net = None
other = fxnn.load("other.fxnn", place="stream")
if len(other.arena) < arena_bytes:
    raise AssertionError("other.fxnn is to have the larger arena")
before = used()
net = fxnn.load("net.fxnn", arena=other, place="stream")
print("second", used() - before)
if other.arena is not net.arena:
    raise AssertionError("not shared")
other.input.data[:] = bytes(len(other.input.data))
other.invoke()
first = bytes(other.output.data)
if answer(net) != WANT:
    raise AssertionError("wrong answer")
other.input.data[:] = bytes(len(other.input.data))
other.invoke()
if bytes(other.output.data) != first:
    raise AssertionError("wrong answer of the second")
larger = bytearray(len(other.arena) + 100)
if answer(fxnn.load("net.fxnn", arena=larger)) != WANT:
    raise AssertionError("wrong answer in a bytearray")
raises("arena: 100 bytes, need %d" % arena_bytes, "net.fxnn", arena=bytearray(100))
raises("arena: does not start at a multiple of 4", "net.fxnn", arena=memoryview(larger)[1:])
raises("place 'rom' unknown", "net.fxnn", place="rom")

# Too little memory is told before anything large is allocated, with figures: where there is room for the loader itself,
# whose code is some 16 kB of a 64-bit machine.
net = other = larger = None
before = used()
hog = []
size = gc.mem_free() - 17000
while size > 64 and gc.mem_free() > 17000:
    try:
        hog.append(bytearray(min(size, gc.mem_free() - 16000)))
    except MemoryError:
        size //= 2
raises(" free, largest block ", "net.fxnn")
hog = None
gc.collect()
cycle(None)
print("ok")
