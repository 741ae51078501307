"""Counts match a count by hand, and the shipped patterns keep what the README says of them."""

import pytest

from data.errors import CorpusError
from data.redaction.spans import PiiSpan
from eval.redaction.cases import CASE_SETS, RedactionCase, read_cases
from eval.redaction.measure import find_here, measure


def _span(kind: str, start: int, end: int) -> PiiSpan:
    return PiiSpan(kind=kind, start=start, end=end)


CASES = [
    RedactionCase(
        text="手机13800138000，住青榆路18号", pii=(_span("mobile", 2, 13), _span("address", 15, 21)), spelling="plain"
    ),
    RedactionCase(text="幺三八零零幺三八零零零", pii=(_span("mobile", 0, 11),), spelling="spoken"),
    RedactionCase(text="订单号123456", pii=(), spelling="plain"),
]


def _find_some(text: str) -> list[PiiSpan]:
    """The first number whole, most of the address, a digit too few of the second, an order number for nothing."""
    return {
        CASES[0].text: [_span("mobile", 2, 13), _span("address", 15, 20)],
        CASES[1].text: [_span("mobile", 0, 10)],
        CASES[2].text: [_span("account", 3, 9)],
    }[text]


def test_a_number_must_be_masked_whole_and_an_address_mostly() -> None:
    result = measure(CASES, _find_some)
    assert (result.recall["mobile"].count, result.recall["mobile"].n) == (1, 2)
    assert (result.recall["address"].count, result.recall["address"].n) == (1, 1)
    assert (result.recall["numeric"].count, result.recall["all"].count) == (1, 2)
    assert result.spellings["spoken"].count == 0
    assert (result.precision.count, result.precision.n) == (3, 4)


def test_a_value_that_its_text_lacks_is_refused(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "eval.redaction.cases.read_lines", lambda _: ['{"text": "甲", "pii": [{"kind": "name", "value": "乙"}]}']
    )
    with pytest.raises(CorpusError, match="is not where its case says"):
        read_cases("frozen")


def test_the_sets_are_large_and_hold_traps() -> None:
    cases = [case for name in CASE_SETS for case in read_cases(name)]
    assert len(cases) >= 600
    assert sum(not case.pii for case in cases) >= 200
    assert len({case.spelling for case in cases}) == 7


@pytest.mark.parametrize(
    ("name", "numeric", "address", "precision"),
    [
        ("frozen", 0.99, 0.9, 0.97),
        ("fresh", 0.98, 0.97, 0.97),
        ("spelled", 0.97, 0.97, 0.94),
        pytest.param("developed", 0.96, 0.97, 0.98, marks=pytest.mark.proof),
    ],
)
def test_what_was_reached_is_kept(name: str, numeric: float, address: float, precision: float) -> None:
    result = measure(read_cases(name), find_here)
    assert result.recall["numeric"].count >= numeric * result.recall["numeric"].n
    assert result.recall["address"].count >= address * result.recall["address"].n
    assert result.precision.count >= precision * result.precision.n
