"""The behavioural suite is whole, and what it counts is right on constructed answers."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from data.corpus_check import REAL_INSTITUTIONS
from data.errors import CorpusError
from data.schema import LabelledText
from data.taxonomy import Taxonomy
from eval.behavior.cases import Case, read_cases
from eval.behavior.suite import Answer, main, report_lines, run_cases, summarize
from models.answer import FlagAnswer, TriageAnswer
from models.predictor import Predictor

LEAST_CASES = 400
LEAST_CAPABILITIES = 12
LEAST_OF_A_CAPABILITY = 25


@pytest.fixture(scope="module")
def cases(taxonomy: Taxonomy) -> list[Case]:
    return read_cases(taxonomy)


def test_every_capability_has_enough_cases(cases: Sequence[Case]) -> None:
    numbers = {name: [case.capability for case in cases].count(name) for name in {case.capability for case in cases}}
    assert len(cases) >= LEAST_CASES
    assert len(numbers) >= LEAST_CAPABILITIES
    assert min(numbers.values()) >= LEAST_OF_A_CAPABILITY
    assert {case.type for case in cases} == {"minimum", "invariance", "directional"}


def test_every_flag_is_raised_by_some_case(cases: Sequence[Case], taxonomy: Taxonomy) -> None:
    raised = {flag for case in cases if case.type == "directional" for flag in case.raised}
    assert raised == {flag.code for flag in taxonomy.flags}


def test_cases_are_none_of_the_corpus_and_name_no_real_institution(
    cases: Sequence[Case], shipped_corpus: tuple[LabelledText, ...]
) -> None:
    corpus = {text.text for text in shipped_corpus}
    lines = REAL_INSTITUTIONS.read_text(encoding="utf-8").splitlines()
    names = [name for name in lines if name and not name.startswith("#")]
    assert [case.id for case in cases if {case.before, case.after} & corpus] == []
    assert [case.id for case in cases if any(name in case.text for name in names)] == []


def test_changes_are_the_same_each_time(cases: Sequence[Case]) -> None:
    changed = [case for case in cases if case.change]
    assert {case.change for case in changed} == {"traditional", "homophones", "wrap", "reverse"}
    assert [case.after for case in changed] == [case.after for case in changed]
    assert all(case.after != case.before for case in changed)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"type": "minimum"}, "expectations must be given"),
        ({"type": "invariance"}, "expected a change in the text"),
        ({"type": "invariance", "text": "卡{丢了|丢}", "raised": ["E07"]}, "expectations must be given"),
        ({"type": "minimum", "text": "卡{丢了|丢}", "raised": ["E07"]}, "expected a change in the text"),
        ({"type": "minimum", "text": "卡{丢了", "raised": ["E07"]}, "expected whole braces"),
        ({"type": "invariance", "text": "卡{丢了|丢}", "change": "wrap"}, "expected whole braces"),
        ({"type": "directional", "text": "卡{|丢}", "order_type": "complaint"}, "expects flags only"),
        ({"type": "minimum", "raised": ["E07"], "unchanged": ["flags"]}, "for invariance only"),
        ({"type": "minimum", "raised": ["E77"]}, r"\['E77'\] are not in the taxonomy"),
        ({"type": "minimum", "raised": ["E07"], "id": "other-01"}, "does not begin with its file's name"),
        ({"type": "minimum", "raised": ["E07"], "note": "x"}, "note: Extra inputs"),
    ],
)
def test_malformed_cases_are_errors(row: dict[str, Any], fault: str, tmp_path: Path, taxonomy: Taxonomy) -> None:
    _write([{"id": "made-01", "text": "卡丢了", **row}], tmp_path)
    with pytest.raises(CorpusError, match=f"made.jsonl:1: .*{fault}"):
        read_cases(taxonomy, tmp_path)


def test_what_stands_twice_is_an_error(tmp_path: Path, taxonomy: Taxonomy) -> None:
    row = {"id": "made-01", "text": "卡丢了", "type": "minimum", "not_raised": ["E07"]}
    _write([row, row], tmp_path)
    with pytest.raises(CorpusError, match=r"(?s)id made-01 stands twice.*the text of made-01, made-01 stands twice"):
        read_cases(taxonomy, tmp_path)


def test_an_empty_folder_is_an_error(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(CorpusError, match=r"no \.jsonl files"):
        read_cases(taxonomy, tmp_path)


def _write(rows: Sequence[dict[str, Any]], folder: Path) -> None:
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "made.jsonl").write_text(lines, encoding="utf-8")


@pytest.fixture(scope="module")
def answered(tiny_predictor: Predictor) -> Answer:
    """E07 where 盗 stands, E04 where 监管 stands, a complaint where 退 stands, category B01 with 存 and B02 without."""
    blank = tiny_predictor.triage(["空白"])[0]

    def answer(text: str) -> TriageAnswer:
        found = [code for code, word in (("E07", "盗"), ("E04", "监管")) if word in text]
        flags = [FlagAnswer(code=f, group=f[0], name=f, probability=0.9, source="model") for f in found]
        order_type = blank.order_type.model_copy(update={"code": "complaint" if "退" in text else "consultation"})
        category = blank.channel.model_copy(update={"code": "B01" if "存" in text else "B02"})
        return blank.model_copy(update={"flags": flags, "order_type": order_type, "category": category, "cause": None})

    return answer


def _passes(answered: Answer, **row: Any) -> bool:
    return run_cases([Case(id="made-01", **row)], answered)[0].passed


def test_minimum(answered: Answer) -> None:
    assert _passes(answered, type="minimum", text="卡被盗了", raised=["E07"], not_raised=["E04"])
    assert not _passes(answered, type="minimum", text="卡被盗了", not_raised=["E07"])
    assert not _passes(answered, type="minimum", text="卡丢了", raised=["E07"])
    assert _passes(answered, type="minimum", text="退钱", order_type="complaint")
    assert not _passes(answered, type="minimum", text="请问", order_type="complaint")


def test_directional(answered: Answer) -> None:
    assert _passes(answered, type="directional", text="卡丢了{|，被盗了}", raised=["E07"])
    assert not _passes(answered, type="directional", text="卡丢了{|，找不到}", raised=["E07"])
    assert not _passes(answered, type="directional", text="卡丢了{|，没被盗}", not_raised=["E07"])
    stood = Case(id="made-01", type="directional", text="盗刷{|，没去监管}", not_raised=("E07",))
    assert run_cases([stood], answered)[0].passed


def test_invariance_reports_each_aspect(answered: Answer) -> None:
    texts = ["{存|}款退", "钱{退|没}了", "{盗|丢}了卡", "卡{丢了|不见}", "退{|存}款"]
    cases = [Case(id=f"made-{i}", type="invariance", text=text) for i, text in enumerate(texts)]
    cases.append(Case(id="made-9", type="invariance", text="{存|}款没到", unchanged=("cause",)))
    rate = summarize(run_cases(cases, answered)).capabilities["made"]["invariance"]
    assert (rate.passed.count, rate.passed.n) == (2, 6)
    assert rate.failures == ("made-0", "made-1", "made-2", "made-4")
    assert {name: share.count for name, share in rate.unchanged.items()} == {
        "order_type": 5, "category": 3, "cause": 6, "flags": 5,
    }  # fmt: skip


def test_flags_that_stood_before_are_counted(answered: Answer) -> None:
    case = Case(id="made-01", type="directional", text="盗刷{|，又被盗}", raised=("E07",))
    report = summarize(run_cases([case], answered))
    assert report.capabilities["made"]["directional"].already_raised == 1
    assert report.types["directional"].count == 1
    assert report.types["minimum"].n == 0
    assert any("stood before 1" in line for line in report_lines(report))


def test_the_command_measures_a_bundle(
    tiny_run: Path, tmp_path: Path, cases: Sequence[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "report.json"
    monkeypatch.setattr(sys, "argv", ["behavioral", "--bundle", str(tiny_run / "bundle"), "--output", str(output)])
    main()
    report = json.loads(output.read_text(encoding="utf-8"))
    assert report["cases"] == len(cases) == sum(entry["n"] for entry in report["types"].values())
    for rates in report["capabilities"].values():
        for rate in rates.values():
            assert rate["passed"]["n"] - rate["passed"]["count"] == len(rate["failures"])
