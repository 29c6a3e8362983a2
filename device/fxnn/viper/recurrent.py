"""LSTM and SVDF, in viper. See viper for the rules, ref/recurrent.py for the meaning, viper/conv.py for eq. (2),
viper/int16_conv.py for eq. (6) and its two halves of a sum, viper/int16.py for eq. (7)."""

import micropython

# words: written by python -m host_tools.record
_X_OFFSET = const(5)
_Y_OFFSET = const(6)
_SCRATCH_OFFSET = const(7)
_BATCHES = const(8)
_STEPS = const(9)
_SVDF_INPUTS = const(9)
_FILTERS = const(10)
_LSTM_INPUTS = const(10)
_RANK = const(11)
_UNITS = const(11)
_MEMORY = const(12)
_X_BATCH_STRIDE = const(12)
_SVDF_ELEMENT_BYTES = const(13)
_X_STEP_STRIDE = const(13)
_STATE_OFFSET = const(14)
_Y_BATCH_STRIDE = const(14)
_SUMS_OFFSET = const(15)
_Y_STEP_STRIDE = const(15)
_FEATURES_OFFSET = const(16)
_LSTM_ELEMENT_BYTES = const(16)
_HIDDEN_OFFSET = const(17)
_TIME_OFFSET = const(17)
_BIAS_OFFSET = const(18)
_CELL_OFFSET = const(18)
_GATES_OFFSET = const(19)
_MULTIPLIER = const(19)
_PRODUCTS_OFFSET = const(20)
_SIGMOID_OFFSET = const(21)
_CELL_CLAMP = const(22)
_STATE_ZERO_POINT = const(22)
_Y_ZERO_POINT = const(24)
_CLAMP_MIN = const(25)
_CLAMP_MAX = const(26)
_TANH_MULTIPLIER = const(27)
_Y_MULTIPLIER = const(27)
_TANH_RIGHT_SHIFT = const(28)
_LOGISTIC_CELL = const(29)
# end of words
_GATE_BYTES = const(16)  # of an entry of the gates: offsets of weights and of the sums' starts, multiplier, shifts
_PRODUCT_BYTES = const(8)  # of an entry of the products: multiplier, shifts


@micropython.viper
def lstm(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.recurrent.lstm. The arguments are record, arena, constants.

    x and the hidden state go to scratch once a step, unsigned, with their sums. Gates: for each unit and gate two sums,
    of x and of the hidden state, go through the same instructions one after the other. Updates: for each unit three products likewise, then the tanh of the cell.
    """
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    units = rec[_UNITS]
    size = rec[_LSTM_ELEMENT_BYTES]
    hidden = arena + rec[_HIDDEN_OFFSET]
    cell = arena + rec[_CELL_OFFSET]
    scratch = arena + rec[_SCRATCH_OFFSET]
    table = ptr16(constants + rec[_SIGMOID_OFFSET])
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    y_zero = ((rec[_Y_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    low = ((rec[_CLAMP_MIN] & 0xFFFF) ^ 0x8000) - 0x8000
    high = ((rec[_CLAMP_MAX] & 0xFFFF) ^ 0x8000) - 0x8000
    clip = rec[_CELL_CLAMP]
    b = 0
    while b < rec[_BATCHES]:
        step = 0
        while step < rec[_STEPS]:
            to = ptr8(scratch + 8 * units)
            sums = 0
            sums_x = 0
            part = 0
            while part < 2:
                x = ptr8(arena + rec[_X_OFFSET] + b * rec[_X_BATCH_STRIDE] + step * rec[_X_STEP_STRIDE])
                end = int(x) + rec[_LSTM_INPUTS] * size
                if part:
                    sums_x = sums
                    sums = 0
                    x = ptr8(hidden)
                    end = hidden + units * size
                if size == 1:
                    while int(x) < end:
                        to[0] = x[0] ^ 128
                        sums += to[0]
                        x = ptr8(int(x) + 1)
                        to = ptr8(int(to) + 1)
                else:
                    while int(x) < end:
                        ptr16(to)[0] = ptr16(x)[0] ^ 0x8000
                        sums += ptr16(to)[0]
                        x = ptr8(int(x) + 2)
                        to = ptr8(int(to) + 2)
                part += 1
            sums_h = sums
            # the gates
            gate = 0
            while gate < 4:
                unit = 0
                while unit < units:
                    total = 0
                    part = 0
                    while part < 2:
                        entry = ptr32(constants + rec[_GATES_OFFSET] + (gate * 2 + part) * _GATE_BYTES)
                        x = ptr8(scratch + 8 * units)
                        count = rec[_LSTM_INPUTS]
                        sums = sums_x
                        if part:
                            x = ptr8(int(x) + count * size)
                            count = units
                            sums = sums_h
                        w = ptr8(constants + entry[0] + unit * count)
                        acc = ptr8(0)
                        lo = 0
                        hi = 0
                        if size == 1:
                            end = int(x) + count
                            last = end - (count & 3)
                            while int(x) < last:
                                acc = ptr8(x[0] * w[0] + int(acc))
                                acc = ptr8(x[1] * w[1] + int(acc))
                                acc = ptr8(x[2] * w[2] + int(acc))
                                acc = ptr8(x[3] * w[3] + int(acc))
                                x = ptr8(int(x) + 4)
                                w = ptr8(int(w) + 4)
                            while int(x) < end:
                                acc = ptr8(x[0] * w[0] + int(acc))
                                x = ptr8(int(x) + 1)
                                w = ptr8(int(w) + 1)
                            v = ptr32(constants + entry[1])[unit] + int(acc) - (sums << 7)
                            v = v << ptr8(entry)[12] << wide >> wide
                            lo = v & 0xFFFF
                            hi = v >> 16
                            ml = ptr16(entry)[4]
                            mh = ptr16(entry)[5]
                            t = ((lo * ml) >> 16) & 0xFFFF
                            lo *= mh
                            ml *= hi
                            t += (ml & 0x7FFF) + (lo & 0x7FFF) + 0x4000
                            v = hi * mh * 2 + (ml >> 15) + (lo >> 15) + (t >> 15)
                            t = ptr8(entry)[13]
                            if t > 0:
                                v = (((v + (v >> 31)) >> (t - 1)) + 1) >> 1
                        else:
                            end = int(x) + count * 2
                            while int(x) < end:
                                stop = int(x) + 128
                                if stop > end:
                                    stop = end
                                acc = ptr8(0)
                                last = stop - ((stop - int(x)) & 7)
                                while int(x) < last:
                                    acc = ptr8(ptr16(x)[0] * w[0] + int(acc))
                                    acc = ptr8(ptr16(x)[1] * w[1] + int(acc))
                                    acc = ptr8(ptr16(x)[2] * w[2] + int(acc))
                                    acc = ptr8(ptr16(x)[3] * w[3] + int(acc))
                                    x = ptr8(int(x) + 8)
                                    w = ptr8(int(w) + 4)
                                while int(x) < stop:
                                    acc = ptr8(ptr16(x)[0] * w[0] + int(acc))
                                    x = ptr8(int(x) + 2)
                                    w = ptr8(int(w) + 1)
                                lo += int(acc) & 0xFFFF
                                hi += int(acc) >> 16
                            first = ptr16(constants + entry[1] + unit * 8)
                            lo += first[2] - ((sums & 0x1FF) << 7)
                            hi = (hi + (first[0] | first[1] << 16) - (sums >> 9)) << wide >> wide
                            hi += lo >> 16
                            lo &= 0xFFFF
                            ml = ptr16(entry)[4]
                            s = ptr8(entry)[12]
                            lo *= ml
                            v = (hi & 0xFFFF) * ml
                            t = (lo >> 16) + (v & 0xFFFF)
                            hi = (hi >> 16) * ml + (v >> 16) + (t >> 16)
                            t &= 0xFFFF
                            if s > 32:
                                v = (hi + (1 << (s - 33))) >> (s - 32)
                            elif s > 16:
                                v = (hi << (32 - s)) + ((t + (1 << (s - 17))) >> (s - 16))
                            else:
                                v = (((hi << 16) + t) << (16 - s)) + (((lo & 0xFFFF) + (1 << (s - 1))) >> s)
                            v = v << wide >> wide
                        if v < -0x8000:
                            v = -0x8000
                        if v > 0x7FFF:
                            v = 0x7FFF
                        total += v
                        part += 1
                    if total < -0x8000:
                        total = -0x8000
                    if total > 0x7FFF:
                        total = 0x7FFF
                    ptr16(scratch)[gate * units + unit] = total
                    unit += 1
                gate += 1
            # the nonlinearities: of the four gates, then, with the updates, of each cell
            gate_at = scratch
            end = scratch + 8 * units
            unit = 0
            while unit < units:
                is_tanh = 1
                if gate_at < end:
                    v = (ptr16(gate_at)[0] ^ 0x8000) - 0x8000
                    t = v * 3
                    gate = gate_at - scratch
                    if gate < 4 * units or gate >= 6 * units or rec[_LOGISTIC_CELL] != 0:
                        is_tanh = 0
                else:
                    # cell = forget * cell + input * gate, and after its tanh: hidden = tanh * output
                    v = (ptr16(cell)[unit] ^ 0x8000) - 0x8000
                    count = 0
                    sums = 0
                    t = 0
                while True:
                    if gate_at >= end:
                        if count == 0:
                            t = ((ptr16(scratch)[unit] ^ 0x8000) - 0x8000) * v
                        elif count == 1:
                            sums = v
                            t = ((ptr16(scratch)[units + unit] ^ 0x8000) - 0x8000) * (
                                (ptr16(scratch)[2 * units + unit] ^ 0x8000) - 0x8000
                            )
                        else:
                            t = ((ptr16(scratch)[3 * units + unit] ^ 0x8000) - 0x8000) * v
                        entry = ptr32(constants + rec[_PRODUCTS_OFFSET] + count * _PRODUCT_BYTES)
                        v = t << ptr8(entry)[4] << wide >> wide
                        lo = v & 0xFFFF
                        hi = v >> 16
                        ml = ptr16(entry)[0]
                        mh = ptr16(entry)[1]
                        t = ((lo * ml) >> 16) & 0xFFFF
                        lo *= mh
                        ml *= hi
                        t += (ml & 0x7FFF) + (lo & 0x7FFF) + 0x4000
                        v = hi * mh * 2 + (ml >> 15) + (lo >> 15) + (t >> 15)
                        t = ptr8(entry)[5]
                        if t > 0:
                            v = (((v + (v >> 31)) >> (t - 1)) + 1) >> 1
                        count += 1
                        if count == 3:
                            break
                        if v < -0x8000:
                            v = -0x8000
                        if v > 0x7FFF:
                            v = 0x7FFF
                        if count == 1:
                            continue
                        v += sums
                        if v < -0x8000:
                            v = -0x8000
                        if v > 0x7FFF:
                            v = 0x7FFF
                        if clip > 0:
                            if v < 0 - clip:
                                v = 0 - clip
                            if v > clip:
                                v = clip
                        ptr16(cell)[unit] = v
                        t = rec[_TANH_RIGHT_SHIFT]
                        t = (v * rec[_TANH_MULTIPLIER] + ((1 << t) >> 1)) >> t
                    bits = 9 - is_tanh
                    v = t
                    if v < 0:
                        v = 0 - v
                    i = v >> bits
                    if i >= 255:
                        v = 0x1FFFC00 - is_tanh * 0xFFFD00
                    else:
                        lo = table[i]
                        v = (lo << bits) + (v - (i << bits)) * (table[i + 1] - lo)
                    if is_tanh:
                        v -= 0x800000
                        if t >= 0:
                            v = (v + 128) >> 8
                        else:
                            v = (127 - v) >> 8
                    elif t >= 0:
                        v = (v + 512) >> 10
                    else:
                        v = (0x20001FF - v) >> 10
                    if gate_at < end:
                        break
                if gate_at < end:
                    ptr16(gate_at)[0] = v
                    gate_at += 2
                else:
                    v = (v + y_zero) << wide >> wide
                    if v < low:
                        v = low
                    if v > high:
                        v = high
                    y = arena + rec[_Y_OFFSET] + b * rec[_Y_BATCH_STRIDE] + step * rec[_Y_STEP_STRIDE]
                    if size == 1:
                        ptr8(hidden)[unit] = v
                        ptr8(y)[unit] = v
                    else:
                        ptr16(hidden)[unit] = v
                        ptr16(y)[unit] = v
                    unit += 1
            step += 1
        hidden += size * units
        cell += 2 * units
        b += 1


@micropython.viper
def svdf(x: ptr8, acc: ptr8, w: ptr8):
    """See ref.recurrent.svdf. The arguments are record, arena, constants.

    Requantized are each filter's features, and each unit's sum: round rank of a unit.
    """
    rec = ptr32(x)
    arena = int(acc)
    constants = int(w)
    inputs = rec[_SVDF_INPUTS]
    rank = rec[_RANK]
    memory = rec[_MEMORY]
    size = rec[_SVDF_ELEMENT_BYTES]
    state = arena + rec[_STATE_OFFSET]
    y = ptr8(arena + rec[_Y_OFFSET])
    # 0 on a 32-bit machine, 32 on a 64-bit one: shifting left and right by it wraps to int32.
    wide = 1
    wide = ((wide << 31 >> 31) + 1) << 4
    zero = ((rec[_STATE_ZERO_POINT] & 0xFFFF) ^ 0x8000) - 0x8000
    b = 0
    while b < rec[_BATCHES]:
        filter = 0
        unit = 0
        while filter < rec[_FILTERS]:
            total = ptr32(constants + rec[_BIAS_OFFSET])[unit]
            r = 0
            while r <= rank:
                factors = _Y_MULTIPLIER  # and both shifts: the next two words
                v = total
                if r < rank:
                    factors = _MULTIPLIER
                    x = ptr8(arena + rec[_X_OFFSET] + b * inputs)
                    end = int(x) + inputs
                    w = ptr8(constants + rec[_FEATURES_OFFSET] + filter * inputs)
                    sums = 0
                    acc = ptr8(0)
                    while int(x) < end:
                        v = x[0] ^ 128
                        sums += v
                        acc = ptr8(v * w[0] + int(acc))
                        x = ptr8(int(x) + 1)
                        w = ptr8(int(w) + 1)
                    v = ptr32(constants + rec[_SUMS_OFFSET])[filter] + int(acc) - (sums << 7)
                v = v << rec[factors + 1] << wide >> wide
                lo = v & 0xFFFF
                hi = v >> 16
                mh = rec[factors]
                ml = mh & 0xFFFF
                mh >>= 16
                t = ((lo * ml) >> 16) & 0xFFFF
                lo *= mh
                ml *= hi
                t += (ml & 0x7FFF) + (lo & 0x7FFF) + 0x4000
                v = hi * mh * 2 + (ml >> 15) + (lo >> 15) + (t >> 15)
                t = rec[factors + 2]
                if t > 0:
                    v = (((v + (v >> 31)) >> (t - 1)) + 1) >> 1
                if r < rank:
                    time = constants + rec[_TIME_OFFSET] + filter * memory * size
                    i = memory
                    if size == 1:
                        if v < -128:
                            v = -128
                        if v > 127:
                            v = 127
                        while i > 0:
                            i -= 1
                            t = (v + zero) & 0xFF
                            if i > 0:
                                t = ptr8(state)[1]
                            ptr8(state)[0] = t
                            total += ((t ^ 128) - 128 - zero) * ((ptr8(time)[0] ^ 128) - 128)
                            state += 1
                            time += 1
                    else:
                        if v < -0x8000:
                            v = -0x8000
                        if v > 0x7FFF:
                            v = 0x7FFF
                        while i > 0:
                            i -= 1
                            t = (v + zero) & 0xFFFF
                            if i > 0:
                                t = ptr16(state)[1]
                            ptr16(state)[0] = t
                            total += ((t ^ 0x8000) - 0x8000 - zero) * ((ptr16(time)[0] ^ 0x8000) - 0x8000)
                            state += 2
                            time += 2
                    filter += 1
                r += 1
            v = (v + rec[_Y_ZERO_POINT]) << wide >> wide
            if v < -128:
                v = -128
            if v > 127:
                v = 127
            y[0] = v
            y = ptr8(int(y) + 1)
            unit += 1
        b += 1


kernels = {34: lstm, 35: svdf}
