"""Datasets: ingestion, previews, and the packaged sample."""
