"""Pippin trains Core ML models as a service; this package is what the service, its workers and its users share."""
