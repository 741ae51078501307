"""A gold file is read by the label guide; a defensible other answer counts as right."""

import json
from pathlib import Path

import pytest

from data.errors import CorpusError
from data.taxonomy import Taxonomy
from eval.gold import GoldSet, credited, read_gold
from eval.metrics import evaluate_answers
from models.predictor import Predictor
from tests.eval.cases import answered

ROW = {
    "id": "g1", "text": "手机银行一打开就闪退，什么都查不了。", "order_type": "complaint", "category": "B99",
    "leaf": "功能类业务", "cause": "C02", "causes2": [], "channel": "electronic", "flags": [],
    "alt": {"order_type": ["feedback"], "channel": ["unknown"]},
}  # fmt: skip


def _read(rows: list[dict[str, object]], folder: Path, taxonomy: Taxonomy) -> GoldSet:
    file = folder / "gold.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return read_gold(file, taxonomy)


def test_names_become_codes_and_alternatives_are_kept(tmp_path: Path, taxonomy: Taxonomy) -> None:
    gold = _read([ROW], tmp_path, taxonomy)
    assert gold.texts[0].leaf == "B99.01"
    assert gold.accepted[0]["order_type"] == {"complaint", "feedback"}
    assert gold.accepted[0]["leaf"] == {"B99.01"}
    assert None in gold.accepted[0]["cause"]  # a feedback has no cause


def test_a_defensible_answer_counts(tmp_path: Path, taxonomy: Taxonomy, tiny_predictor: Predictor) -> None:
    answer = tiny_predictor.triage([str(ROW["text"])])[0]
    given = answer.channel.code
    strict = _read([{**ROW, "channel": "self_service", "alt": {}}], tmp_path, taxonomy)
    lenient = _read([{**ROW, "channel": "self_service", "alt": {"channel": [given]}}], tmp_path, taxonomy)
    assert credited(strict, [answer])[0].channel == "self_service"
    assert credited(lenient, [answer])[0].channel == given


def test_how_many_texts_are_judged_does_not_depend_on_the_answers(tmp_path: Path, taxonomy: Taxonomy) -> None:
    """No cause given to what may be a feedback is right and counts; a text without category counts in no case."""
    maybe = {**ROW, "order_type": "irrelevant", "category": None, "leaf": None, "cause": None, "flags": [],
             "alt": {"category": ["B01"]}}  # fmt: skip
    gold = _read([ROW, maybe], tmp_path, taxonomy)
    for category, cause, right in (("B99", None, 1.0), ("B99", "C02", 1.0), ("B01", "C05", 0.0)):
        answers = [answered("B99", cause=cause), answered(category, cause=None)]
        scores = evaluate_answers(credited(gold, answers), answers, first=gold.texts)["facets"]
        assert (scores["cause"]["n"], scores["cause"]["accuracy"][0]) == (1, right)
        assert "none" not in scores["cause"]["per_class"]
        assert (scores["category"]["n"], scores["category"]["accuracy"][0]) == (1, 1.0)


def test_a_leaf_of_another_category_is_named(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(CorpusError, match=r"gold.jsonl:1: leaf '个人住房贷款' is not a leaf of B99"):
        _read([{**ROW, "leaf": "个人住房贷款"}], tmp_path, taxonomy)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cause": "C77"}, "gold.jsonl:2: the taxonomy 1.0.0 has no C77"),
        ({"flags": ["P01", "Z01"]}, "gold.jsonl:2: the taxonomy 1.0.0 has no Z01"),
        ({"alt": {"category": ["B77"]}}, "gold.jsonl:2: alt.category: the taxonomy 1.0.0 has no B77"),
        ({"alt": {"cause": ["B01", None]}}, "gold.jsonl:2: alt.cause: the taxonomy 1.0.0 has no B01"),
        ({"alt": {"leaf": ["没有"]}}, "gold.jsonl:2: alt.leaf: the taxonomy 1.0.0 has no 没有"),
        ({"alt": {"channel": "unknown"}}, "gold.jsonl:2: alt.channel is str, not a list"),
        ({"flags": None}, "gold.jsonl:2: .*expected a row as the label guide describes"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, taxonomy: Taxonomy, change: dict[str, object], said: str) -> None:
    with pytest.raises(CorpusError, match=said):
        _read([ROW, {**ROW, **change}], tmp_path, taxonomy)


def test_only_line_feeds_end_a_line(tmp_path: Path, taxonomy: Taxonomy) -> None:
    texts = [f"第一行{odd}第二行" for odd in "\u2028\u2029\x85"]
    gold = _read([{**ROW, "text": text} for text in texts], tmp_path, taxonomy)
    assert [text.text for text in gold.texts] == texts


def test_a_missing_key_is_named(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(CorpusError, match=r"gold.jsonl:1: lacks 'channel'"):
        _read([{key: value for key, value in ROW.items() if key != "channel"}], tmp_path, taxonomy)


def test_an_empty_file_is_named(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(CorpusError, match=r"gold.jsonl is empty"):
        _read([], tmp_path, taxonomy)
