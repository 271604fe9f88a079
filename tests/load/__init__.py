"""Many clients at once: `python -m tests.load` at full size, the tests beside it at smaller ones."""
