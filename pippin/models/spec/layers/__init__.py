"""The layer types: their classes by family, listed in `pippin.models.spec.table`."""
