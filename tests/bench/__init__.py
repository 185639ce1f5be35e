"""How fast the jobs are, as a ratio to a plain Python process that is measured beside them in the same run.

`smoke` is the command; `stack` starts Kafka and Flink of its own; `events` prepares the topics and says what must come out;
`contenders` runs the jobs and the plain process (`consumer`) in turn and checks what they counted; `results` reads what the
jobs wrote; `observe`, `offsets` and `cpu` ask Flink, Kafka and the machine; `report` prints it.
"""
