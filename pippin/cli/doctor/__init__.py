"""`pippin doctor`: checks of the machine, Redis, the blob store and the service."""
