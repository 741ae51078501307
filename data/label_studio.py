"""Label Studio's JSON. In: rows, or an export of Label Studio. Out: tasks with predictions, or rows.

Choices are codes; the facets' names are the `from_name` of the labelling interface (docs/loop.md holds one to paste).
Whoever annotates there sees the redacted text alone.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.errors import InputFileError
from data.preparation import prepare_text
from data.snapshots import LabelRow
from data.taxonomy import Taxonomy

SINGLE = ("order_type", "leaf", "subcause", "channel")
MULTIPLE = ("causes2", "flags")


def to_tasks(rows: Iterable[LabelRow], *, as_predictions: bool) -> list[dict[str, Any]]:
    """One task a row; the labels as annotations, or as predictions to start from."""
    key = "predictions" if as_predictions else "annotations"
    return [{"data": {"id": row.id, "text": row.text}, key: [{"result": list(_results(row))}]} for row in rows]


def _results(row: LabelRow) -> Iterator[dict[str, Any]]:
    for name in (*SINGLE, *MULTIPLE):
        value = getattr(row, name)
        choices = list(value) if name in MULTIPLE else [value] if value else []
        if choices:
            yield {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": choices}}


def read_tasks(file: Path, taxonomy: Taxonomy) -> list[LabelRow]:
    """Rows of an export (JSON), the last annotation of each task that was not cancelled. Raises InputFileError."""
    try:
        tasks = json.loads(file.read_text(encoding="utf-8"))
        return [row for number, task in enumerate(tasks, 1) if (row := _row(task, taxonomy, number)) is not None]
    except (OSError, UnicodeDecodeError, ValueError, TypeError, AttributeError, KeyError) as error:
        said = str(error) if isinstance(error, _TaskError) else type(error).__name__
        raise InputFileError(f"{file.name} is no export of Label Studio as JSON: {said}") from None


class _TaskError(ValueError):
    """What is wrong in which task; quotes no text."""


def _row(task: Mapping[str, Any], taxonomy: Taxonomy, number: int) -> LabelRow | None:
    done = [one for one in task.get("annotations", ()) if not one.get("was_cancelled")]
    if not done:
        return None
    chosen = {
        one["from_name"]: tuple(one["value"]["choices"]) for one in done[-1]["result"] if one["type"] == "choices"
    }
    for name, known in _known(taxonomy).items():
        if unknown := sorted(set(chosen.get(name, ())) - known):
            raise _TaskError(f"task {number}: {name} of taxonomy {taxonomy.version} has no {', '.join(unknown)}")
    single = {name: (chosen.get(name) or (None,))[0] for name in SINGLE}
    if single["order_type"] is None:
        raise _TaskError(f"task {number} has no order_type")
    person = done[-1].get("completed_by")
    at = done[-1].get("updated_at") or done[-1].get("created_at")
    return LabelRow(
        id=str(task["data"].get("id") or f"studio-{task['id']}"),
        text=prepare_text(task["data"]["text"], taxonomy).redacted_text,
        order_type=single["order_type"],
        category=_parent(single["leaf"]),
        leaf=single["leaf"],
        cause=_parent(single["subcause"]),
        subcause=single["subcause"],
        channel=single["channel"] or "unknown",
        causes2=chosen.get("causes2", ()),
        flags=chosen.get("flags", ()),
        labelled_at=_moment(at),
        reviewer=_pseudonym(person),
        source="label_studio",
    )


def _known(taxonomy: Taxonomy) -> dict[str, set[str]]:
    """The codes that each question of the labelling interface may be answered with."""
    entries = {
        "order_type": taxonomy.order_types,
        "leaf": taxonomy.leaves,
        "subcause": taxonomy.subcauses,
        "channel": taxonomy.channels,
        "causes2": taxonomy.causes,
        "flags": taxonomy.flags,
    }
    return {name: {entry.code for entry in of_name} for name, of_name in entries.items()}


def _moment(at: str | None) -> datetime:
    """Now where nothing is said; a time without a zone is UTC's."""
    moment = datetime.fromisoformat(at) if at else datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pseudonym(person: object) -> str:
    """The same for the same person of Label Studio, which knows no users of the store."""
    return "r" + hashlib.sha256(f"studio-{person}".encode()).hexdigest()[:8]


def _parent(code: str | None) -> str | None:
    return code.split(".")[0] if code else None
