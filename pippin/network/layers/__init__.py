"""The layers' functions, one per type, in modules by the same families as in `pippin.models.spec.layers`."""
