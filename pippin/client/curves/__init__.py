"""A job's curves, drawn for where they are looked at: a terminal, a notebook, a picture file."""
