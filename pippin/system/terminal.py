"""Escapes untrusted text for terminals and readable logs.

Names, labels and log lines may be any text that a client sent. Written unescaped, ESC and C1 sequences move the cursor,
set the window's title or fill the clipboard (ECMA-48, OSC 52), a newline forges a line, and bidirectional controls
display a text in another order than it has (CVE-2021-42574).
"""

import re

# C0, DEL and C1; bidirectional controls and marks; line and paragraph separators; the byte order mark; interlinear
# annotations; lone surrogates, which cannot be encoded; tags.
_UNSAFE = (
    "\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb"
    "\\ud800-\\udfff\\U000e0000-\\U000e007f"
)
_IN_A_LINE = re.compile(f"[{_UNSAFE}]")
_IN_LINES = re.compile(f"(?![\t\n])[{_UNSAFE}]")


def printable(text: str) -> str:
    r"""`text` as one line: characters that must not reach a terminal are escaped, such as `\x1b` or `\u202e`."""
    return _IN_A_LINE.sub(_escape, text)


def printable_lines(text: str) -> str:
    """`text` with such escapes, but with its newlines and tabs: for trusted lines, such as a traceback or a table."""
    return _IN_LINES.sub(_escape, text)


def printable_json(document: str) -> str:
    """An equivalent JSON document in which characters that must not reach a terminal are escaped as in JSON.

    JSON escapes C0 itself; all other such characters occur only within strings.
    """
    return _IN_LINES.sub(_json_escape, document)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
