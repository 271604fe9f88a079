"""How many examples `validation_fraction` holds out."""


def held_out(examples: int, fraction: float) -> int:
    """The number of examples kept for validation: at least one, and never all; 0 where there is only one."""
    return min(max(1, round(examples * fraction)), examples - 1)
