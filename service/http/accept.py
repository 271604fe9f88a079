"""The `Accept` header: which of the forms that we can give does the client like best (RFC 9110 section 12.5.1)."""

from collections.abc import Sequence

from service.problems import Problem


def negotiate(header: str | None, offers: Sequence[str]) -> str:
    """The media type among `offers` that `header` prefers; of equals the first offered.

    Raises:
        Problem: 406, when it accepts none of them.
    """
    wanted = [_media_range(part) for part in header.split(",") if part.strip()] if header else []
    if not wanted:
        return offers[0]
    best = max(offers, key=lambda offer: _quality(offer, wanted))
    if _quality(best, wanted) == 0:
        raise Problem("not-acceptable", f"This can be given as {', '.join(offers)}; the request accepts {header}.")
    return best


def _media_range(text: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in text.split(";"))
    quality = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                quality = min(1.0, max(0.0, float(value)))
            except ValueError:
                quality = 0.0
    return name, quality


def _quality(offer: str, wanted: Sequence[tuple[str, float]]) -> float:
    """The quality that the most specific media range covering `offer` gives it; 0 when none covers it."""
    ranges = dict(wanted)
    for name in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
