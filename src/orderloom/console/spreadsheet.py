"""Rows as CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

# What makes a cell a formula to some spreadsheet, at its start or after characters that are skipped there.
_STARTS = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
           "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip
_SKIPPED = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufeff'\",;]*")


def harmless(value: object) -> str:
    """The cell's text, with a leading apostrophe where it would be taken for a formula."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    skipped = text[: len(text) - len(_SKIPPED.sub("", text, count=1))]
    if set(skipped) & set("\t\r\n") or text[len(skipped) :].startswith(_STARTS):
        return "'" + text
    # A separator or a quote inside may open a cell of its own in a careless reader.
    return "'" + text if any(mark + start in text for mark in ',;"\t' for start in "=+-@") else text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterable[str]:
    """The file line by line, for streaming."""
    yield _line(header)
    for row in rows:
        yield _line([harmless(value) for value in row])


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(cells)
    return out.getvalue()
