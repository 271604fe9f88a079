"""Text that a client sends or a person writes, as values: JSON and YAML, read strictly."""
