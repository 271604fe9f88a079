"""The worker's own process: it takes attempts from the queue and has a child process make each."""
