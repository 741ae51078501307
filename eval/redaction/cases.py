"""Texts with the personal data that must be masked in them. In: JSON lines. Out: `RedactionCase`.

`frozen.jsonl` was written before the patterns by somebody who has not seen them, and the patterns were never tuned on
it; `fresh.jsonl` was written later in the same way, as complaints really come in, and `spelled.jsonl` later still, of
numbers in every spelling people use; both were measured before they were read. `developed.jsonl` is the set that
patterns and weights were developed on. A line:
`{"text", "pii": [{"kind", "value"}], "spelling"}`, values in the order of the text.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import CorpusError
from data.json_lines import read_lines
from data.redaction.spans import PiiSpan

CASE_FOLDER = Path(__file__).parent
CASE_SETS = ("frozen", "fresh", "spelled", "developed")


@dataclass(frozen=True, kw_only=True)
class RedactionCase:
    text: str
    pii: tuple[PiiSpan, ...]
    """What must be masked, in the original text."""
    spelling: str
    """How the numbers are written: plain, spaced, dashed, full_width, chinese_digits, spoken or mixed."""


def read_cases(name: str) -> list[RedactionCase]:
    """The cases of one set. Raises CorpusError for a value that its text does not hold."""
    return [_case(json.loads(line)) for line in read_lines(CASE_FOLDER / f"{name}.jsonl")]


def _case(line: Mapping[str, Any]) -> RedactionCase:
    spans, position = [], 0
    for value in line["pii"]:
        start = line["text"].find(value["value"], position)
        if start < 0:
            raise CorpusError(
                f"the {value['kind']} {value['value']!r} is not where its case says; expected the values of a text in "
                "their order in it; mend the case"
            )
        position = start + len(value["value"])
        spans.append(PiiSpan(kind=value["kind"], start=start, end=position))
    return RedactionCase(text=line["text"], pii=tuple(spans), spelling=line.get("spelling", "plain"))
