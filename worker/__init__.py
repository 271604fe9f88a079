"""The worker: takes one job at a time from its queue and trains it. Start it with `pippin worker`."""
