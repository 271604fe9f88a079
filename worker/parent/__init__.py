"""The worker's parent process: takes attempts from the queue and starts a child process for each."""
