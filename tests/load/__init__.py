"""Much for long, and too much for a while: does it stay fresh, catch up, and not grow (`make soak`, `make catch-up`)?"""

FRESH_SECONDS = 3.0
"""At 99 %: the most that numbers may be behind."""
ROOMS = 20
"""In which the load is."""
