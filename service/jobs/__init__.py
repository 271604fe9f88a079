"""From a request to a job, and from a job's events to an answer."""
