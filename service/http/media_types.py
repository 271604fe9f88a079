"""The media types of bodies (`Content-Type`) and of answers (`Accept`)."""

from collections.abc import Sequence

from starlette.requests import Request

from service.problems import Problem

YAML = ("application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml")
"""The media type of RFC 9512, and older names for it."""


def unsupported(request: Request, *supported: str) -> Problem:
    """The 415 that names the supported media types."""
    media_type = request.headers.get("content-type") or "none"
    return Problem(
        "unsupported-media-type",
        f"Send {' or '.join(supported)}, declared in Content-Type; found {media_type}.",
        headers={"accept": ", ".join(supported)},
    )


def media_type(request: Request) -> str:
    """The body's media type in lower case, without parameters; "" when the request has none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(request: Request) -> bool:
    """Whether `Content-Type` names JSON."""
    name = media_type(request)
    return name == "application/json" or (name.startswith("application/") and name.endswith("+json"))


def is_yaml(request: Request) -> bool:
    """Whether `Content-Type` names YAML."""
    return media_type(request) in YAML


def negotiate(header: str | None, offers: Sequence[str]) -> str:
    """The media type among `offers` that an `Accept` header prefers (RFC 9110 section 12.5.1); of equals, the first.

    Raises:
        Problem: 406, when it accepts none of them.
    """
    ranges = [_media_range(part) for part in header.split(",") if part.strip()] if header else []
    if not ranges:
        return offers[0]
    best = max(offers, key=lambda offer: _quality(offer, ranges))
    if _quality(best, ranges) == 0:
        raise Problem("not-acceptable", f"This is available as {', '.join(offers)}; the request accepts {header}.")
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


def _quality(offer: str, media_ranges: Sequence[tuple[str, float]]) -> float:
    """The quality that the most specific media range covering `offer` gives it; 0 when none covers it."""
    ranges = dict(media_ranges)
    for name in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
