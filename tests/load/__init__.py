"""Much for long, and too much for a while: whether numbers stay fresh and nothing grows (`make soak`)."""

FRESH_SECONDS = 3.0
"""At 99 %: the most that numbers may be behind."""
ROOMS = 20
"""In which the load is."""
