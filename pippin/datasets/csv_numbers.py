"""What is a number in a CSV, and what only looks like one."""

import re

_CURRENCY = "$€£¥₹₽₩₺₪₫฿"
_SPACES = " \u00a0\u2009\u202f"
_GROUPED = (
    r"\d{1,3}(?:(?:,\d{3})+(?:\.\d+)?|(?:\.\d{3})+,\d+|(?:\.\d{3}){2,}"
    rf"|(?:['\u2019{_SPACES}]\d{{3}})+(?:[.,]\d+)?)"
)
_PLAIN = r"\d+(?:[.]\d+)?"
_ANY = rf"(?:{_GROUPED}|\d+,\d+|{_PLAIN})"
_SIGN = "[+\u2212-]?"
UNDERSCORES = "numbers with underscores"
SEVERAL = "several numbers separated by spaces"
_FORMS = tuple(
    (re.compile(form), name)
    for form, name in (
        (rf"{_SIGN}{_GROUPED}", "numbers with a thousands separator"),
        (rf"{_SIGN}\d+,\d+", "numbers with a decimal comma"),
        (
            rf"{_SIGN}[{_CURRENCY}][{_SPACES}]?{_SIGN}{_ANY}|{_SIGN}{_ANY}[{_SPACES}]?[{_CURRENCY}]",
            "amounts with a currency sign",
        ),
        (rf"{_SIGN}{_ANY}[{_SPACES}]?%", "numbers with a percent sign"),
        (rf"\((?:[{_CURRENCY}][{_SPACES}]?)?{_ANY}\)", "negative numbers in parentheses"),
        (rf"\u2212{_ANY}", "numbers with a typographic minus sign"),
        (r"[+-]?\d+(?:_\d+)+(?:\.\d+)?", UNDERSCORES),
        (rf"{_PLAIN}(?: +{_PLAIN})+", SEVERAL),
    )
)
_MAX_CHARACTERS = 60
_DIGIT = re.compile(r"\d")


def number(text: str) -> float | None:
    """The number that a cell holds, or None. Unlike `float`, no underscores are allowed in it."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def number_form(text: str) -> str | None:
    """What a text that is no plain number looks like, such as "numbers with a thousands separator"; None for others."""
    text = text.strip()
    if len(text) > _MAX_CHARACTERS or not _DIGIT.search(text):
        return None
    return next((name for form, name in _FORMS if form.fullmatch(text)), None)


def plainly(form: str) -> str:
    """What to do about cells of a form that `number_form` names."""
    return "give each a column of its own" if form == SEVERAL else "write the numbers plainly, as 1234.5"


def is_like_number(text: str) -> bool:
    """Whether a cell holds a number, however it is written."""
    return number(text) is not None or number_form(text) is not None
