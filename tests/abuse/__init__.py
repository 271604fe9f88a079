"""What one client can do to the others: `python -m tests.abuse` in full, the test beside it at a smaller size."""
