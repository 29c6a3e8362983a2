"""Words of an op record as the descriptions name them: those of record's layouts, several of one kind by their index."""

from __future__ import annotations

from ..record import Layout


def numbered(layout: Layout) -> dict[str, int]:
    """Name -> number of its word; of a name for several words `dims0`, `dims1`, ... are each one's."""
    several = {f"{word.name}{i}": word.number + i for word in layout.table if word.count > 1 for i in range(word.count)}
    return dict(layout.names) | several
