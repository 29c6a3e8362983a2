"""Tensor: a network's input or output, a window into its arena."""

from array import array

_DTYPES = {1: "int8", 2: "uint8", 3: "int16", 4: "int32", 5: "bool"}


def text_shape(shape):
    """(8, 8, 1) as 8x8x1."""
    return "x".join([str(n) for n in shape]) or "scalar"


class Tensor:
    """NHWC elements of one byte (int8, uint8, bool) in the arena. real = scale * (element - zero_point).

    t[:] = raw          bytes-like as it is (fast), or integers in the dtype's range
    t[0], t[2:5]        integers, signed for int8
    t.data              memoryview of the bytes: no copy
    t.quantize(reals), t.dequantize()
    """

    def __init__(self, name, dtype, shape, scale, zero_point, data):
        self.name = name
        self.dtype = _DTYPES[dtype]
        self.shape = shape
        self.scale = scale
        self.zero_point = zero_point
        self.data = data
        self._low = 0 if dtype == 2 or dtype == 5 else -128

    def __repr__(self):
        return "<%s %s scale=%g zero_point=%d '%s'>" % (
            self.dtype,
            text_shape(self.shape),
            self.scale,
            self.zero_point,
            self.name,
        )

    def __len__(self):
        return len(self.data)

    def __iter__(self):
        low = self._low & 128
        for byte in self.data:
            yield (byte ^ low) - low

    def __getitem__(self, key):
        if isinstance(key, slice):
            return array("b" if self._low else "B", bytes(self.data[key]))
        low = self._low & 128
        return (self.data[key] ^ low) - low

    def __setitem__(self, key, value):
        if not isinstance(key, slice):
            self.data[key] = self._byte(value)
            return
        view = self.data[key]
        if isinstance(value, Tensor):
            value = value.data
        self._need(len(value), len(view))
        if isinstance(value, (bytes, bytearray, memoryview)):
            view[:] = value
        else:
            for i, q in enumerate(value):
                view[i] = self._byte(q)

    def _need(self, got, need):
        if got != need:
            shape = text_shape(self.shape)
            raise ValueError("%s: got %d values, need %d (shape %s)" % (self.name, got, need, shape))

    def _byte(self, q):
        if not self._low <= q <= self._low + 255:
            raise ValueError("%s: %d does not fit %s" % (self.name, q, self.dtype))
        return q & 255

    def quantize(self, reals):
        """Fills the tensor from real numbers, flat or nested: round(x / scale) + zero_point, saturated.

        Halves are rounded away from zero, as the trained model does. ValueError for another number of values.
        """
        data = self.data
        low = self._low - self.zero_point
        high = low + 255
        scale = self.scale
        zero_point = self.zero_point
        i = 0
        if not (isinstance(reals, (list, tuple, array)) and reals and isinstance(reals[0], (float, int))):
            reals = _flat(reals)  # three times as slow as a flat list
        for x in reals:
            x /= scale
            if x >= high:
                q = high
            elif x <= low:
                q = low
            else:
                q = int(x)
                x -= q
                if x >= 0.5:
                    q += 1
                elif x <= -0.5:
                    q -= 1
            if i < len(data):
                data[i] = (q + zero_point) & 255
            i += 1
        self._need(i, len(data))

    def dequantize(self):
        """The real numbers, a flat list."""
        scale = self.scale
        zero_point = self.zero_point
        return [(q - zero_point) * scale for q in self]


def _flat(values):
    """The numbers of an iterable, or of iterables nested to any depth."""
    if isinstance(values, str):
        raise ValueError("text given, need numbers")
    for value in values:
        if isinstance(value, (int, float)) or hasattr(value, "__float__"):
            yield value
        else:
            for x in _flat(value):
                yield x
