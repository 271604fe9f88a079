"""Access control: addresses, origins, tokens, roles."""
