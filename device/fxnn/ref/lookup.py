"""Tables in plain ints: lut, channel_lut. See ref for the rules."""

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_A = const(8)
_COUNT = const(8)
_TABLE_OFFSET = const(9)
_C = const(10)
_TABLES_OFFSET = const(11)
_WHICH_OFFSET = const(12)
# end of words


def lut(record, arena, constants):
    """y = table[x], raw bytes both: any function of one int8."""
    for i in range(record[_COUNT]):
        arena[record[_Y_OFFSET] + i] = constants[record[_TABLE_OFFSET] + arena[record[_X_OFFSET] + i]]


def channel_lut(record, arena, constants):
    """y[a, b, c] = table[which[b]][x[a, b, c]]: a table of 256 bytes for each index of one dimension."""
    a, b, c = record[_A : _C + 1]
    x = record[_X_OFFSET]
    y = record[_Y_OFFSET]
    for _ in range(a):
        for ib in range(b):
            table = record[_TABLES_OFFSET] + 256 * (
                constants[record[_WHICH_OFFSET] + 2 * ib] + 256 * constants[record[_WHICH_OFFSET] + 2 * ib + 1]
            )
            for _ in range(c):
                arena[y] = constants[table + arena[x]]
                x += 1
                y += 1


kernels = {11: lut, 19: channel_lut}
