"""The proof of the promises: nothing received is lost, and counters equal a recomputation."""
