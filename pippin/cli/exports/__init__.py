"""What a job measured, written for other tools, by their own writers."""
