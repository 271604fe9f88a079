"""`pippin up`: the embedded server, the service and the workers as children of one foreground process."""
