"""Damaged files and specs, made from valid ones by a seeded random number generator."""
