"""Picking by index and by mask: gather, select, channel_lut, in viper. See viper.py for the rules, ref_gather.py."""

import micropython


@micropython.viper
def gather(x: ptr8, y: ptr8, constants: ptr8):
    """See ref_gather.gather. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(y)
    at = arena
    if rec[23] & 1:
        at = int(constants)
    at += rec[5]
    rows = ptr32(arena + rec[7])
    if rec[23] & 2:
        rows = ptr32(int(constants) + rec[7])
    columns = ptr32(int(constants) + rec[19])
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it makes an index signed.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y = ptr8(arena + rec[6])
    last_row = rec[17] - 1
    last_column = rec[18] - 1
    ia = 0
    while ia < rec[8]:
        ij = 0
        while ij < rec[9]:
            row = rows[ij] << wide >> wide
            if row > last_row:
                row = last_row
            if row < 0:
                row = 0
            line = at + row * rec[14]
            ib = rec[10]
            while ib > 0:
                ib -= 1
                ik = 0
                while ik < rec[11]:
                    column = columns[ik] << wide >> wide
                    if column > last_column:
                        column = last_column
                    if column < 0:
                        column = 0
                    x = ptr8(line + column * rec[16])
                    end = int(y) + rec[12]
                    while int(y) < end:
                        y[0] = x[0]
                        x = ptr8(int(x) + 1)
                        y = ptr8(int(y) + 1)
                    ik += 1
                line += rec[15]
            ij += 1
        at += rec[13]
        ia += 1


@micropython.viper
def select(x: ptr8, y: ptr8, constants: ptr8):
    """See ref_gather.select. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(y)
    at = arena
    if rec[23] & 1:
        at = int(constants)
    at += rec[5]
    condition = arena
    if rec[23] & 2:
        condition = int(constants)
    condition += rec[7]
    step = rec[15]
    if_step = rec[19]
    to = arena + rec[6]
    i0 = 0
    while i0 < rec[8]:
        i1 = 0
        while i1 < rec[9]:
            i2 = 0
            while i2 < rec[10]:
                x = ptr8(at + i0 * rec[12] + i1 * rec[13] + i2 * rec[14])
                y = ptr8(condition + i0 * rec[16] + i1 * rec[17] + i2 * rec[18])
                end = to + rec[11]
                while to < end:
                    if y[0]:
                        ptr8(to)[0] = x[0]
                    x = ptr8(int(x) + step)
                    y = ptr8(int(y) + if_step)
                    to += 1
                i2 += 1
            i1 += 1
        i0 += 1


@micropython.viper
def channel_lut(x: ptr8, y: ptr8, constants: ptr8):
    """See ref_gather.channel_lut. The arguments are record, arena, constants."""
    rec = ptr32(x)
    arena = int(y)
    which = ptr16(int(constants) + rec[12])
    tables = int(constants) + rec[11]
    x = ptr8(arena + rec[5])
    y = ptr8(arena + rec[6])
    c = rec[10]
    ia = rec[8]
    while ia > 0:
        ia -= 1
        ib = 0
        while ib < rec[9]:
            table = ptr8(tables + (which[ib] << 8))
            end = int(x) + c
            while int(x) < end:
                y[0] = table[x[0]]
                x = ptr8(int(x) + 1)
                y = ptr8(int(y) + 1)
            ib += 1


kernels = {12: gather, 16: select, 19: channel_lut}
