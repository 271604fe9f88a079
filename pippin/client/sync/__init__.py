# Written by `make client` from pippin/client/asynchronous: change it there.
"""The blocking client."""
