"""`import fxnn` on the computer: the board's API on the exact numpy kernels, and the commands as functions.

network.py   load, Network: what device/fxnn/network.py offers, with its results, errors and texts
tensor.py    Tensor
tables.py    Report: what summary() and profile() return
notebook.py  convert, quantize, evaluate, report, run

Nothing of the device package is imported: two implementations, held together by tests that run one program on both.
"""
