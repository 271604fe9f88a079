"""The worker's own process: it takes attempts from the queue and has each made by a child."""
