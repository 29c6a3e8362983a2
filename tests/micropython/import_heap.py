"""Prints the heap that fxnn takes with every native kernel loaded."""

import gc

gc.collect()
before = gc.mem_alloc()
import fxnn
import fxnn.network
from fxnn import viper

for id in range(1, 12):
    viper.kernel(id)
gc.collect()
print(gc.mem_alloc() - before)
