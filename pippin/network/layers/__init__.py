"""What the layers compute: one file a type, in it a function of the type's own name."""
