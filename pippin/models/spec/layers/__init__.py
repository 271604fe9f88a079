"""The layer types: one file each, named after the type, listed in `pippin.models.spec.table`."""
