"""Turns requests into jobs, and events of jobs into answers."""
