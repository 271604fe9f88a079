"""How Pippin's programs call its service over HTTP: addresses, tokens, timeouts."""
