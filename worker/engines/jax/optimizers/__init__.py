"""How gradients become steps: one optimizer a file, formulas as in `docs/semantics.md`."""
