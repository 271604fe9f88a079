"""How many steps run between two looks at whether to stop."""


class Pace:
    """Finds the number of steps that take about half a second, from how long the last ones took.

    It decides only when the host looks, never what is computed.
    """

    def __init__(self, steps: int | None = None, seconds: float = 0.5) -> None:
        """Aim at `seconds`, or always take `steps`."""
        self._fixed = steps
        self._seconds = seconds
        # Of the first step nothing is known: it may take a second by itself.
        self._next = steps or 1

    def steps(self, most: int) -> int:
        """How many steps to run now, at most `most`."""
        return min(self._next, most)

    def took(self, steps: int, seconds: float) -> None:
        """Hear how long `steps` steps took."""
        if self._fixed is None:
            # At most four times as many as before: the first steps also touch all memory for the first time.
            fitting = int(self._seconds * steps / max(seconds, 1e-9))
            self._next = max(1, min(fitting, 4 * steps))
