"""Many concurrent clients: `python -m tests.load` at full size, the tests here at smaller sizes."""
