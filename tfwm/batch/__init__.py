"""Many files at once: jobs, messages from a table, a pool of threads, the run and its report."""
