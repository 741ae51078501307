"""Agreement matches a count by hand."""

import json
from pathlib import Path

import pytest

from data.errors import CorpusError
from eval.agreement import Labels, facet_agreement, group_agreement, read_readings


def _labels(leaf: str | None, flags: tuple[str, ...] = ()) -> Labels:
    return Labels(order_type="complaint", leaf=leaf, subcause="C01.1", channel="unknown", flags=flags)


PAIRS = [
    (_labels("B01.01", ("P01",)), _labels("B01.02", ("P02",))),
    (_labels("B01.01"), _labels("B01.01", ("P01",))),
    (_labels("B02.01"), _labels("B02.01")),
    (_labels("B02.01"), _labels(None)),
]


def test_facets_count_texts_that_both_labelled() -> None:
    assert facet_agreement(PAIRS, "category") == {"n": 3, "agreement": 1.0, "kappa": 1.0}
    assert facet_agreement(PAIRS, "leaf")["agreement"] == 0.667


def test_groups_count_any_flag() -> None:
    assert group_agreement(PAIRS, "P") == {"n": 2, "f1": 0.667}


def test_a_reading_without_flags_says_nothing_of_groups() -> None:
    unread = Labels(order_type="complaint", leaf="B01.01", subcause="C01.1", channel="unknown", flags=None)
    assert group_agreement([*PAIRS, (_labels("B01.01", ("P01",)), unread)], "P") == group_agreement(PAIRS, "P")


def test_a_record_says_what_its_reader_looked_for(tmp_path: Path) -> None:
    labels = {"order_type": "complaint", "leaf": "B01.01", "subcause": "C01.1"}
    flags = {"flags": ["E08"]}
    records: list[dict[str, object]] = [
        {"writer": labels, "reading": labels},
        {"read": "facets", "writer": {**labels, "leaf": "B02.01"}, "reading": {**labels, "leaf": "B02.01"}},
        {"read": "flags", "writer": flags, "reading": flags},
    ]
    (tmp_path / "r.jsonl").write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    pairs = read_readings(tmp_path)
    assert [reading.flags for _, reading in pairs] == [(), None, ("E08",)]
    assert facet_agreement(pairs, "leaf")["n"] == 2
    assert group_agreement(pairs, "E") == {"n": 1, "f1": 1.0}


def test_one_file_may_be_chosen(tmp_path: Path) -> None:
    record = {"read": "flags", "writer": {"flags": []}, "reading": {"flags": []}}
    for name in ("r1", "r2"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(record), encoding="utf-8")
    assert len(read_readings(tmp_path, name="r1")) == 1
    with pytest.raises(CorpusError, match="no reading r3; expected one of r1, r2"):
        read_readings(tmp_path, name="r3")


def test_committed_readings_are_readable() -> None:
    assert len(read_readings()) >= 200
