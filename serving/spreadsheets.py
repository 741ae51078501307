"""What spreadsheets open. In: rows. Out: CSV in which none of a person's words is taken for a formula."""

import csv
import io
from collections.abc import Iterable

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the beginning of a cell (OWASP, CSV injection)."""
MARK = "\ufeff"
"""Without a byte order mark spreadsheets misread Chinese."""


def harmless(value: object) -> object:
    """A cell as a spreadsheet shows it and does not compute it; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def csv_bytes(rows: Iterable[Iterable[object]], *, is_begin: bool = True) -> bytes:
    """Rows as CSV in UTF-8; `is_begin` puts the mark before them. None is an empty cell."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(map(harmless, row) for row in rows)
    return ((MARK if is_begin else "") + text.getvalue()).encode()
