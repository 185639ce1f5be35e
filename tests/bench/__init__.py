"""How fast the jobs are, as a ratio to a plain Python process that is measured beside them in the same run.

`smoke` is the command; `stack` starts Kafka and Flink of its own; `events` prepares the topics and says what must come out;
`consumer` and `application` are the two contenders; `results` holds what the jobs wrote against what must come out.
"""
