"""Many files at once: jobs, a table of messages, a pool of workers, and the report of a run."""
