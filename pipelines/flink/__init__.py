"""Running the jobs on Flink: one application of their SQL, and what its REST interface says of it."""
