"""Services of the host for any program: processes, logs, tracing, scratch folders, properties of the machine."""
