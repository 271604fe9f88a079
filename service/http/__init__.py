"""HTTP mechanisms that endpoints share: bodies, media types, ranges, entity tags, repeated requests."""
