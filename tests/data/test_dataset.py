"""A corpus line is checked against text and taxonomy; every fault is named with its line."""

import json
from pathlib import Path
from typing import Any

import pytest

from data.dataset import read_corpus
from data.errors import CorpusError
from data.taxonomy import Taxonomy

LINE: dict[str, Any] = {
    "id": "t1", "text": "卡被刷了三千，卡被刷了两次，我要投诉到12378",
    "order_type": "complaint", "leaf": "B03A.05", "subcause": "C10.1",
    "channel": "unknown", "flags": ["E04", "E07"], "voice": "fragment", "input": "typed", "names_product": False,
    "scenario": "s1", "writer": "w1",
    "evidence": {"C10": ["卡被刷了三千"], "E07": [{"text": "卡被刷了", "start": 7}], "E04": ["我要投诉到12378"]},
}  # fmt: skip


def _write(folder: Path, *lines: dict[str, Any]) -> Path:
    (folder / "a.jsonl").write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    return folder


def test_quotes_become_spans_and_parents_follow(tmp_path: Path, taxonomy: Taxonomy) -> None:
    (text,) = read_corpus(taxonomy, _write(tmp_path, LINE))
    assert (text.category, text.leaf, text.cause, text.subcause) == ("B03A", "B03A.05", "C10", "C10.1")
    assert [(span.start, span.end) for span in text.evidence["E07"]] == [(7, 11)]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"leaf": "B03A.77"}, "leaf 'B03A.77' is not in the taxonomy"),
        ({"leaf": None}, "leaf must be given"),
        ({"subcause": None}, "subcause must be given for complaints"),
        ({"order_type": "verification"}, "subcause must be given for complaints and for nothing else"),
        ({"flags": ["E04", "E07", "P99"]}, "flags \\['P99'\\]"),
        ({"flags": ["E04", "E07", "E10"]}, "no evidence for \\['E10'\\]"),
        ({"flags": ["E04"]}, "evidence for \\['E07'\\]"),
        ({"causes2": ["C10"]}, "causes2 may only add"),
        ({"evidence": {**LINE["evidence"], "C10": ["不在文中"]}}, "a quote for C10 is not in the text"),
        ({"pii": [{"kind": "mobile", "value": "13800138000"}]}, "PII value 0 is not in the text"),
        ({"hard_negatives": [{"code": "E04", "trap": "quoted"}]}, "flags and hard negatives at once"),
        ({"surprise": 1}, "surprise: Extra inputs"),
    ],
)
def test_fault_is_named_with_its_line(tmp_path: Path, taxonomy: Taxonomy, change: dict[str, Any], named: str) -> None:
    with pytest.raises(CorpusError, match=f"a.jsonl:2.*{named}"):
        read_corpus(taxonomy, _write(tmp_path, LINE, {**LINE, **change}))


def test_empty_folder_says_what_was_expected(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(CorpusError, match=r"no \.jsonl files"):
        read_corpus(taxonomy, tmp_path)
