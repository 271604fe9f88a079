"""The background loops of the service."""
