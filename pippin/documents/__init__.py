"""Strict parsers of JSON and YAML, and the recognition of documents and files of other kinds."""
