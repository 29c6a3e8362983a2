"""Prints the heap that fxnn takes with every native kernel loaded."""

import gc

gc.collect()
before = gc.mem_alloc()
import fxnn
import fxnn.network
from fxnn import viper

for number, id in enumerate((1, 2, 4, 6, 7, 9, 10, 11), 1):
    assert viper.kernel(id, number)
gc.collect()
print(gc.mem_alloc() - before)
