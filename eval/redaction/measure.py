"""How well personal data is found. In: hand-written cases. Out: recall, precision and speed, beside argus-redact's.

`python -m eval.redaction.measure [--output FILE.json] [--peer]`. A number or code is found when all of its characters
are masked, a name or an address when four fifths are; a masked span is right when four fifths of it are personal data.
Which kind a span was given does not matter here: all kinds are masked. `--peer` also runs argus-redact (Apache-2.0,
fast mode; extra `bench`) on the same cases. Needs the extra `train`.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data.preparation import prepare_text
from data.redaction.spans import PiiSpan
from data.taxonomy import default_taxonomy
from eval.proportions import Proportion, proportion
from eval.redaction.cases import CASE_SETS, RedactionCase, read_cases

Find = Callable[[str], Sequence[PiiSpan]]
NUMERIC_KINDS = ("id_card", "bank_card", "account", "mobile", "landline")
WORDED_KINDS = ("name", "address")
ENOUGH = 0.8
SPEED_ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What one finder reached on one set of cases."""

    recall: Mapping[str, Proportion]
    """By kind, `numeric` for IDs, cards, accounts and telephone numbers together, and `all`."""
    spellings: Mapping[str, Proportion]
    """Recall of the numeric kinds by spelling of the text."""
    precision: Proportion
    texts_per_second: float

    def to_json(self) -> dict[str, Any]:
        return {
            "recall": {kind: share.to_json() for kind, share in self.recall.items()},
            "spellings": {spelling: share.to_json() for spelling, share in self.spellings.items()},
            "precision": self.precision.to_json(),
            "texts_per_second": round(self.texts_per_second),
        }


def measure(cases: Sequence[RedactionCase], find: Find) -> Measure:
    """Run a finder over the cases, on one core."""
    found: dict[str, list[bool]] = defaultdict(list)
    spelled: dict[str, list[bool]] = defaultdict(list)
    right: list[bool] = []
    for case in cases:
        spans = find(case.text)
        masked = _positions(spans)
        for value in case.pii:
            is_found = _is_found(value, masked)
            for group in (value.kind, "all", *(["numeric"] if value.kind in NUMERIC_KINDS else [])):
                found[group].append(is_found)
            if value.kind in NUMERIC_KINDS:
                spelled[case.spelling].append(is_found)
        personal = _positions(case.pii)
        right += [_share(span, personal) >= ENOUGH for span in spans]
    return Measure(
        recall={kind: proportion(hits) for kind, hits in sorted(found.items())},
        spellings={spelling: proportion(hits) for spelling, hits in sorted(spelled.items())},
        precision=proportion(right),
        texts_per_second=_speed(cases, find),
    )


def _positions(spans: Sequence[PiiSpan]) -> set[int]:
    return {position for span in spans for position in range(span.start, span.end)}


def _share(span: PiiSpan, positions: set[int]) -> float:
    return sum(position in positions for position in range(span.start, span.end)) / (span.end - span.start)


def _is_found(value: PiiSpan, masked: set[int]) -> bool:
    share = _share(value, masked)
    return share >= ENOUGH if value.kind in WORDED_KINDS else share == 1


def _speed(cases: Sequence[RedactionCase], find: Find) -> float:
    started = time.process_time()
    for _ in range(SPEED_ROUNDS):
        for case in cases:
            find(case.text)
    return SPEED_ROUNDS * len(cases) / (time.process_time() - started)


def find_here(text: str) -> Sequence[PiiSpan]:
    """As it is served: normalise, find, map back to the original."""
    return prepare_text(text, default_taxonomy()).pii


def argus_finder() -> Find:
    """argus-redact's spans, with its rules alone as ours have no network either."""
    from argus_redact import redact

    def find(text: str) -> Sequence[PiiSpan]:
        report = redact(text, lang="zh", mode="fast", report=True, salt=1)
        return [PiiSpan(kind=entity["type"], start=entity["start"], end=entity["end"]) for entity in report.entities]

    return find


def report_lines(name: str, result: Measure) -> list[str]:
    """Readable lines."""
    lines = [f"{name}: precision {result.precision}, {result.texts_per_second:.0f} texts/s on one core"]
    lines += [f"  {kind:14s} {share}" for kind, share in result.recall.items()]
    return lines + [f"  spelled {spelling:15s} {share}" for spelling, share in result.spellings.items()]


def main() -> None:
    """Print the figures; write them as JSON where asked."""
    parser = argparse.ArgumentParser(description="Measure redaction on the hand-written cases.")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    parser.add_argument("--peer", action="store_true", help="also run argus-redact (extra `bench`)")
    options = parser.parse_args()
    finders: dict[str, Find] = {"xiaobao": find_here}
    if options.peer:
        finders[f"argus-redact {version('argus-redact')}"] = argus_finder()
    content: dict[str, Any] = {}
    for set_name in CASE_SETS:
        cases = read_cases(set_name)
        for finder_name, find in finders.items():
            name = f"{set_name}, {len(cases)} texts, {finder_name}"
            result = measure(cases, find)
            sys.stdout.write("\n".join(report_lines(name, result)) + "\n")
            content[name] = result.to_json()
    if options.output:
        options.output.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
