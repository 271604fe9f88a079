"""The child process: one attempt at a job, from its claim to the trained file."""
