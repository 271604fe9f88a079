"""Datasets: uploads in several formats become named arrays, stored as one file and described by a manifest."""
