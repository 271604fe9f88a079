"""The effect of one client on the others: `python -m tests.abuse` in full, the test here at a smaller size."""
