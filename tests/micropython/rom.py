"""Networks on a ROM filesystem: used in place where they start at a multiple of 4. Prints where each is, and "ok"."""

import gc

import fxnn
import vfs

with open("output.bin", "rb") as f:
    WANT = f.read()
for length in range(1, 5):
    with open("rom%d.img" % length, "rb") as f:
        image = f.read()
    vfs.mount(vfs.VfsRom(image), "/rom")
    net = fxnn.load("/rom/" + "n" * length)
    with open("input.bin", "rb") as f:
        f.readinto(net.input.data)
    net.invoke()
    if bytes(net.output.data) != WANT:
        raise AssertionError("wrong answer")
    gc.collect()
    before = gc.mem_alloc()
    second = fxnn.load("/rom/" + "n" * length)
    gc.collect()
    more = gc.mem_alloc() - before
    print(net.file.where.replace(" ", "-"))
    if net.file.where == "in place" and more > len(net.arena) + 12000:
        raise AssertionError("%d bytes for a network in place" % more)
    vfs.umount("/rom")
print("ok")
