"""Tables: lut, channel_lut, in viper. See viper for the rules, ref/lookup.py for the meaning."""

import micropython

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_A = const(8)
_COUNT = const(8)
_B = const(9)
_TABLE_OFFSET = const(9)
_C = const(10)
_TABLES_OFFSET = const(11)
_WHICH_OFFSET = const(12)
# end of words


@micropython.viper
def lut(x: ptr8, y: ptr8, constants: ptr8):
    """See ref.lookup.lut. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(y)
    table = ptr8(int(constants) + rec[_TABLE_OFFSET])
    x = ptr8(arena + rec[_X_OFFSET])
    y = ptr8(arena + rec[_Y_OFFSET])
    end = int(x) + rec[_COUNT]
    while int(x) < end:
        y[0] = table[x[0]]
        x = ptr8(int(x) + 1)
        y = ptr8(int(y) + 1)


@micropython.viper
def channel_lut(x: ptr8, y: ptr8, constants: ptr8):
    """See ref.lookup.channel_lut. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(y)
    which = ptr16(int(constants) + rec[_WHICH_OFFSET])
    tables = int(constants) + rec[_TABLES_OFFSET]
    x = ptr8(arena + rec[_X_OFFSET])
    y = ptr8(arena + rec[_Y_OFFSET])
    c = rec[_C]
    ia = rec[_A]
    while ia > 0:
        ia -= 1
        ib = 0
        while ib < rec[_B]:
            table = ptr8(tables + (which[ib] << 8))
            end = int(x) + c
            while int(x) < end:
                y[0] = table[x[0]]
                x = ptr8(int(x) + 1)
                y = ptr8(int(y) + 1)
            ib += 1


kernels = {11: lut, 19: channel_lut}
