"""Numbers are learned from their form and surroundings, and copies keep what a case says of its text."""

import re

import pytest

from data.normalize import normalize_text
from data.redaction.digits import fold_digits
from data.redaction.number_scorer import NumberScorer, default_scorer
from data.redaction.spans import PiiSpan
from eval.redaction.cases import RedactionCase
from training.fit_numbers import case_examples, examples, fit, marked
from training.respelling import respelled

PHONES = ("0471 65 40 238", "0351 72 19 406", "0898-66-2-1938", "0571 8-82 3309")
SERIALS = ("2024 06 18 003", "0088 12 77 4021", "7731-20-9-4416", "1120 5-08 9917")


def _case(before: str, value: str, behind: str, kind: str | None) -> RedactionCase:
    spans = [PiiSpan(kind=kind, start=len(before), end=len(before) + len(value))] if kind else []
    return RedactionCase(text=before + value + behind, pii=tuple(spans), spelling="plain")


CASES = [
    _case(before, value, behind, kind)
    for values, befores, kind in ((PHONES, ("座机", "电话是"), "landline"), (SERIALS, ("批次", "票据"), None))
    for before in befores
    for value in values
    for behind in ("没人接", ",请核实", "")
]


def _find(scorer: NumberScorer, text: str) -> list[str]:
    text = normalize_text(text).text
    return [text[span.start : span.end] for span in scorer.find(text, fold_digits(text))]


def test_a_fit_tells_numbers_that_it_has_not_seen() -> None:
    scorer = NumberScorer(weights=fit(case_examples(CASES)), threshold=0.0)
    assert _find(scorer, "座机0931 48 2-6 057没人接") == ["0931 48 2-6 057"]
    assert _find(scorer, "批次2024 07 19 005,请核实") == []


def test_an_example_is_positive_only_where_it_is_the_whole_number() -> None:
    (case,) = [case for case in CASES if case.text == "座机0471 65 40 238没人接"]
    found = list(examples(marked(case), 1.0))
    assert sum(each.is_number for each in found) == 1
    assert len(found) > 1


@pytest.mark.parametrize("seed", range(20))
def test_copies_keep_kinds_and_what_is_no_number(seed: int) -> None:
    text = "我叫苗建军,身份证号510107196803124417,订单20240618003377,打13800138000"
    values = (("name", "苗建军"), ("id_card", "510107196803124417"), ("mobile", "13800138000"))
    spans = [PiiSpan(kind=kind, start=text.index(value), end=text.index(value) + len(value)) for kind, value in values]
    (copy,) = respelled([RedactionCase(text=text, pii=tuple(spans), spelling="plain")], copies=1, seed=seed)
    parts = [copy.text[span.start : span.end] for span in copy.pii]
    assert [span.kind for span in copy.pii] == ["name", "id_card", "mobile"]
    assert parts[0] == "苗建军"
    identity, mobile = map(re.escape, parts[1:])
    assert re.fullmatch(rf"我叫苗建军,身份证号{identity},订单.+,打{mobile}", copy.text, re.DOTALL)
    assert "13800138000" not in copy.text


def test_copies_are_the_same_for_a_seed() -> None:
    assert respelled(CASES, copies=2, seed=3) == respelled(CASES, copies=2, seed=3)
    assert respelled(CASES, copies=2, seed=3) != respelled(CASES, copies=2, seed=4)


def test_shipped_weights_stay_small() -> None:
    assert len(default_scorer().weights) < 20_000
