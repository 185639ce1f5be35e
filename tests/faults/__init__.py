"""What breaks, and what must not: faults against real processes, a known input, and the judge's verdict.

`make faults SEEDS=5` runs every case; `make test` one seed of the quick ones.
"""
