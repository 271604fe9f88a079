"""Determines by tiny trainings which formulas an engine uses, where Apple documents none: see `docs/semantics.md`."""
