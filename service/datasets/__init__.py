"""Datasets: taken in, shown in part, and the one that is there from the start."""
