"""A job's curves, drawn for a terminal, a notebook or a picture file."""
