"""Much for long, and too much for a while: whether numbers stay fresh and nothing grows (`make soak`)."""
