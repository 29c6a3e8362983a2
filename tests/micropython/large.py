"""Loads net.fxnn, runs it on input.bin, compares with output.bin; prints figures and "ok". On the virtual Pico or
the unix port."""

import gc
import time

import micropython
import parameters

PLACE = getattr(parameters, "PLACE", "stream")
BLOCKED_BYTES = getattr(parameters, "BLOCKED_BYTES", 0)

blocked = bytearray(BLOCKED_BYTES)
gc.collect()
print("heap_bytes", gc.mem_free())

import fxnn

net = fxnn.load("net.fxnn", place=None if PLACE == "flash" else PLACE)  # flash is what a board picks by itself
net = None
gc.collect()
start = time.ticks_us()
net = fxnn.load("net.fxnn", place=None if PLACE == "flash" else PLACE)
print("load_us", time.ticks_diff(time.ticks_us(), start))
if net.file.where != {"flash": "flash", "stream": "streamed", "ram": "RAM"}[PLACE]:
    raise AssertionError(net.file.where)
gc.collect()
print("free_bytes", gc.mem_free())
for _ in range(2):
    with open("input.bin", "rb") as f:
        f.readinto(net.input.data)
    start = time.ticks_us()
    micropython.heap_lock()
    net.invoke()
    micropython.heap_unlock()
    took = time.ticks_diff(time.ticks_us(), start)
    with open("output.bin", "rb") as f:
        if f.read() != bytes(net.output.data):
            raise AssertionError("wrong answer")
print("invoke_us", took)
if net.file.stream:
    print("reads", net.file.stream.reads)
    print("kept_bytes", len(net.file.stream.kept))
    print("buffer_bytes", len(net.file.stream.buffer))
print("ok")
