"""How many examples Hypothesis draws: FXNN_EXAMPLES=500 draws 500 models per op instead of the default."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("FXNN_EXAMPLES", "60"))


def drawn(examples: int):
    """Decorates a test with @given: so many examples, however long they take."""
    return settings(max_examples=examples, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
