"""Ops whose constants are cut into pieces (FORMAT.md, pieces): one kernel call a piece, the record patched in between."""


class Pieces:
    """Takes a kernel's place: called with the op's own record, the arena, and what a piece's constants are found by.

    `patch(record, table, entry, later)` is the backend's; `first`: the op's first entry in the table of pieces.
    Allocates nothing when called.
    """

    def __init__(self, kernel, patch, table, first):
        self.kernel = kernel
        self.patch = patch
        self.table = table
        self.first = first

    def __call__(self, record, arena, views):
        kernel = self.kernel
        patch = self.patch
        table = self.table
        entry = self.first
        later = 0
        for view in views:
            patch(record, table, entry, later)
            kernel(record, arena, view)
            entry += 1
            later = 1


class Streamed(Pieces):
    """The same, for an op whose constants are read when they are needed; patch is None for one that is not cut."""

    def __init__(self, kernel, patch, table, first, stream):
        super().__init__(kernel, patch, table, first)
        self.stream = stream

    def __call__(self, record, arena, units):
        kernel = self.kernel
        patch = self.patch
        entry = self.first
        later = 0
        for at, need, view in units:
            if need:
                self.stream.read(at, need)
            if patch:
                patch(record, self.table, entry, later)
                entry += 1
                later = 1
            kernel(record, arena, view)
