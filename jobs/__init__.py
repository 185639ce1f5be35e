"""One folder a job: `job.sql` says what is computed, `metadata.yaml` what it means."""
