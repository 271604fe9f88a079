"""Engines: what trains an updatable `.mlmodel`. `engine.py` is the interface; each other package is one engine."""
