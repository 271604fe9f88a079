"""Model files: taken in, known, and made of checkpoints."""
