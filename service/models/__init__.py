"""Model files: uploads, inspection, and models of checkpoints."""
