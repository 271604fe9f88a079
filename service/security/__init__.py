"""Who may come in, and to what: addresses, origins, tokens, roles."""
