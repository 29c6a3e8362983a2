"""Shapes of their own for models whose kernels have more to do: larger images, windows of 3 x 3."""

from __future__ import annotations

from tests.draw.core import Shapes


class ThreeByThree(Shapes):
    """Windows of 3 x 3 without dilation, of the whole axis where that is shorter."""

    def window(self, size, kernel_max, dilations, padding):
        return 3 if size >= 3 or padding == "SAME" else size, self.source.choice((1, 1, 1, 2, 3)), 1


class ThreeByThreeOfImages(ThreeByThree):
    """ThreeByThree over images of up to 17 x 33 with up to 8 channels."""

    def input(self, shape):
        s = self.source
        if len(shape) != 4:
            return shape
        return shape[0], s.integer(1, 17), s.integer(1, 33), s.choice((1, 2, 3, 4, 8))


class LargeImages(Shapes):
    """Images of up to 21 x 40 with up to 20 channels: several tiles and blocks of channels."""

    def input(self, shape):
        s = self.source
        return shape[0], s.integer(1, 21), s.integer(1, 40), s.choice((1, 3, 4, 8, 12, 20))


class TiledImages(Shapes):
    """Images that packed variants cut into several tiles; one size of window for both axes, mostly 3 x 3."""

    kernel = 0

    def input(self, shape):
        s = self.source
        if len(shape) != 4:
            return shape
        return 1, s.integer(3, 17), s.choice((s.integer(3, 12), s.integer(13, 29))), s.choice((3, 4, 8, 16))

    def window(self, size, kernel_max, dilations, padding):
        self.kernel = self.kernel or self.source.choice((1, 3, 3))
        return self.kernel, self.source.choice((1, 1, 2)), 1
