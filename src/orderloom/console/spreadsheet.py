"""Rows as CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

# What makes a cell a formula to some spreadsheet, at its start or after characters that are skipped there.
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
           "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip
_SKIPPED = " '\",;\N{NO-BREAK SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"


def harmless(value: object) -> str:
    """The cell's text, with a leading apostrophe where it would be taken for a formula."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if text.startswith(("\t", "\r", "\n")) or text.lstrip(_SKIPPED).startswith(_STARTS):
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
