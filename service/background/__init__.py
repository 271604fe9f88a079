"""What the service does on its own, beside answering requests."""
