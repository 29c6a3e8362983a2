"""WideTensor: elements of more than one byte; imported where a network has such an input or output."""

from array import array
from struct import pack_into, unpack_from

from .tensor import Tensor, _flat


class WideTensor(Tensor):
    """As Tensor, of int16 or int32 elements. `data` is their bytes, little-endian. int32 are numbers, not scaled."""

    def __init__(self, name, dtype, shape, scale, zero_point, data):
        Tensor.__init__(self, name, dtype, shape, scale, zero_point, data)
        self._code = "h" if dtype == 3 else "i"
        self._size = 2 if dtype == 3 else 4
        self._low = -1 << 8 * self._size - 1

    def __len__(self):
        return len(self.data) // self._size

    def __iter__(self):
        for i in range(len(self)):
            yield self[i]

    def __getitem__(self, key):
        if isinstance(key, slice):
            return array(self._code, bytes(self.data))[key]
        return unpack_from("<" + self._code, self.data, range(len(self))[key] * self._size)[0]

    def __setitem__(self, key, value):
        places = range(len(self))[key]
        if not isinstance(key, slice):
            places = (places,)
            value = (value,)
        elif isinstance(value, (bytes, bytearray, memoryview)):
            self._need(len(value), len(places) * self._size)
            value = array(self._code, bytes(value))
        self._need(len(value), len(places))
        for i, q in zip(places, value):
            if not self._low <= q < -self._low:
                raise ValueError("%s: %d does not fit %s" % (self.name, q, self.dtype))
            pack_into("<" + self._code, self.data, i * self._size, q)

    def quantize(self, reals):
        """See Tensor.quantize."""
        i = 0
        count = len(self)
        for x in _flat(reals):
            x /= self.scale
            q = int(x + 0.5 if x >= 0 else x - 0.5) + self.zero_point
            if i < count:
                self[i] = max(self._low, min(-self._low - 1, q))
            i += 1
        self._need(i, count)

    def dequantize(self):
        """The real numbers, a flat list; of int32 the integers."""
        if self._size == 4:
            return list(self)
        return Tensor.dequantize(self)
