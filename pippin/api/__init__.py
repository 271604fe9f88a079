"""The types that cross the REST interface, each defined once: the service and the client both use these."""
