"""A network in an RP2's flash, and whatever may happen to its file there. Prints "ok". The files: net.fxnn (cut into
pieces), other.fxnn (another network), input.bin and output.bin of net.fxnn. On the virtual Pico only."""

import gc
import os
import time

import fxnn

memory = bytearray(73728)  # a disk, below
with open("output.bin", "rb") as f:
    WANT = f.read()


def answer(net):
    with open("input.bin", "rb") as f:
        f.readinto(net.input.data)
    net.invoke()
    return bytes(net.output.data)


def check(net, where, why=""):
    if net.file.where != where or net.file.why != why:
        raise AssertionError("%s, %s: want %s, %s" % (net.file.where, net.file.why, where, why))
    text = repr(net.summary())
    if "constants: %s" % where not in text or why not in text:
        raise AssertionError(text)
    if answer(net) != WANT:
        raise AssertionError("wrong answer, %s" % where)


def copy(source, target):
    with open(source, "rb") as a, open(target, "wb") as b:
        while True:
            piece = a.read(2048)
            if not piece:
                return
            b.write(piece)


fxnn.load("net.fxnn").invoke()  # imports the package
gc.collect()
start = time.ticks_us()
net = fxnn.load("net.fxnn")
print("load_us", time.ticks_diff(time.ticks_us(), start))
check(net, "flash")
check(fxnn.load("/net.fxnn", place="flash"), "flash")
check(fxnn.load("net.fxnn", backend="viper"), "flash")
check(fxnn.load("net.fxnn", place="ram"), "RAM")
check(fxnn.load("net.fxnn", place="stream"), "streamed")

# In a folder, by a relative path.
os.mkdir("models")
copy("net.fxnn", "models/a.fxnn")
os.chdir("models")
net = fxnn.load("a.fxnn")
os.chdir("/")
check(net, "flash")

# Blocks scattered over the flash: two files written in turns.
with open("net.fxnn", "rb") as a, open("scattered.fxnn", "wb") as b, open("between.bin", "wb") as c:
    while True:
        piece = a.read(3000)
        if not piece:
            break
        b.write(piece)
        c.write(piece)
scattered = fxnn.load("scattered.fxnn")
check(scattered, "flash")
os.remove("between.bin")

# Being rewritten while it is loaded: what was there before, until the file is closed; then it is damaged.
copy("net.fxnn", "changing.fxnn")
with open("changing.fxnn", "r+b") as f:
    f.seek(15000)
    f.write(bytes(10000))
    check(fxnn.load("changing.fxnn"), "flash")
    changed = fxnn.load("changing.fxnn")
try:
    fxnn.load("changing.fxnn")
    raise AssertionError("a damaged file was loaded")
except ValueError as e:
    if str(e) != "model: bad crc, copy it again (block 3)":  # the first that was written over
        raise
answer(changed)  # may be wrong, but returns

# Deleted, and its blocks written over, under a network in use.
os.remove("changing.fxnn")
os.remove("scattered.fxnn")
with open("junk.bin", "wb") as f:
    for i in range(100):
        f.write(bytes([255 - i & 255]) * 4096)
answer(changed)
answer(scattered)
try:
    fxnn.load("scattered.fxnn")
    raise AssertionError("a deleted file was loaded")
except OSError:
    pass
os.remove("junk.bin")
changed = scattered = None

# Replaced by another network: the next load sees the new one.
copy("other.fxnn", "models/a.fxnn")
other = fxnn.load("models/a.fxnn")
if other.name != "other":
    raise AssertionError("the old network was loaded")
os.remove("models/a.fxnn")


# Other filesystems: a FAT in RAM and a littlefs in RAM, with nothing of the same name in the flash.
class RAM:
    def __init__(self, data, size):
        self.size = size
        self.data = data

    def readblocks(self, n, buffer, offset=0):
        at = n * self.size + offset
        buffer[:] = memoryview(self.data)[at : at + len(buffer)]

    def writeblocks(self, n, buffer, offset=None):
        at = n * self.size + (offset or 0)
        self.data[at : at + len(buffer)] = buffer

    def ioctl(self, op, _):
        return len(self.data) // self.size if op == 4 else self.size if op == 5 else 0


net = other = None
gc.collect()
for kind, size in ((os.VfsFat, 512), (os.VfsLfs2, 512)):
    disk = RAM(memory, size)
    kind.mkfs(disk)
    os.mount(kind(disk), "/ram")
    copy("net.fxnn", "/ram/b.fxnn")
    check(fxnn.load("/ram/b.fxnn", place="stream"), "streamed")
    net = fxnn.load("/ram/b.fxnn")
    if net.file.where not in ("RAM", "streamed"):
        raise AssertionError(net.file.where)
    check(net, net.file.where, "not on the flash's littlefs")
    # The same name in the flash with other contents is not taken for it.
    for name, why in (
        ("other.fxnn", "other contents in the flash (block 0)"),
        ("input.bin", "another file on the flash"),
    ):
        copy(name, "b.fxnn")
        net = fxnn.load("/ram/b.fxnn")
        check(net, net.file.where, why)
    os.remove("b.fxnn")
    os.umount("/ram")
    net = None
    gc.collect()

# The flash mounted elsewhere.
import rp2

flash = os.VfsLfs2(rp2.Flash())
os.mount(flash, "/flash")
check(fxnn.load("/flash/net.fxnn"), "flash")

# Firmware before 1.25, whose flash object is no buffer.
from fxnn.flash import _window


class Old:
    def readblocks(self, *arguments):
        rp2.Flash().readblocks(*arguments)

    def ioctl(self, op, argument):
        return rp2.Flash().ioctl(op, argument)


found = _window(Old())
real = memoryview(rp2.Flash())
if len(found) != len(real) or found[:20000] != real[:20000]:
    raise AssertionError("another part of the flash")
print("ok")
