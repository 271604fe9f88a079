"""What the layers compute: a function for each type, in files of the same families as `pippin.models.spec.layers`."""
