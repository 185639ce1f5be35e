"""One metric family, counted by livepulse and by whatever else could be taken instead: `python -m tests.bench.family`.

The family: records by kind (topic), money paid and refunded, exact distinct users, by room and 10 s of event time.
`inputs` makes the records and `recount` says what must come out; `contenders` lists who counts, each of them a module here that
keeps to `contract`; `run` runs one and holds its rows against the recount; `report` and `plot` show the figures.
"""
