"""Models of every kind, as jobs and the REST API know them: what can be trained, on what, with which choices."""
