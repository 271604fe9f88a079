"""What HTTP asks of every endpoint: bodies, media types, ranges, entity tags, repeated requests."""
