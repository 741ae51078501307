"""What became of each row, as a file. In: a job. Out: JSON Lines or CSV, piece by piece.

Read page by page, so that a large import takes no more memory than a small one.
"""

import json
from collections.abc import Iterator

from data.store.records import ImportedRow
from data.store.unit_of_work import Store
from serving.spreadsheets import csv_bytes

ROWS_IN_PAGE = 500
FIELDS = (
    "row", "external_id", "case_id", "outcome", "order_type", "category", "leaf", "cause", "subcause", "channel",
    "flags", "band", "priority", "error", "message", "message_zh",
)  # fmt: skip


def json_lines(store: Store, job_id: str, *, within: str) -> Iterator[bytes]:
    """One object a row. Raises NotFoundError, StoreUnavailableError."""
    for page in _pages(store, job_id, within):
        yield "".join(json.dumps(content, ensure_ascii=False) + "\n" for content in page).encode()


def comma_separated(store: Store, job_id: str, *, within: str, failed_only: bool = False) -> Iterator[bytes]:
    """A line of names, then one line a row; flags are separated by spaces. Raises as `json_lines`."""
    yield csv_bytes([FIELDS])
    for page in _pages(store, job_id, within):
        wanted = [content for content in page if content["error"] or not failed_only]
        yield csv_bytes(([_cell(content[name]) for name in FIELDS] for content in wanted), is_begin=False)


def _pages(store: Store, job_id: str, within: str) -> Iterator[list[dict[str, object]]]:
    after = 0
    while True:
        with store.reading() as work:
            rows = work.imports.rows(job_id, within=within, after=after, limit=ROWS_IN_PAGE)
            page = [_content(row) for row in rows]
        if not page:
            return
        after = rows[-1].row.line
        yield page


def _content(imported: ImportedRow) -> dict[str, object]:
    row, case = imported.row, imported.case
    codes = {name: getattr(case, name) if case else None for name in FIELDS[4:10]}
    return {
        "row": row.line,
        "external_id": row.external_id,
        "case_id": row.case_id,
        "outcome": "failed" if row.error_code else "stored" if row.is_new else "existing",
        **codes,
        "flags": list(imported.flags),
        "band": case.band if case else None,
        "priority": case.priority if case else None,
        "error": row.error_code,
        "message": row.message or None,
        "message_zh": row.message_zh or None,
    }


def _cell(value: object) -> object:
    return " ".join(value) if isinstance(value, list) else value
