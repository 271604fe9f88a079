"""Determines by tiny trainings which undocumented formulas an engine uses: see `docs/semantics.md`."""
