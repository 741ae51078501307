"""The READMEs' figures are those of the report; writing them twice changes nothing."""

from pathlib import Path
from typing import Any

import pytest

from data.errors import InputFileError
from data.taxonomy import Taxonomy
from eval.comparison import compare_answers
from eval.report.build import Additions, measure_report
from eval.report.readme_block import BEGIN, END, ROOT, rewrite_readmes
from models.predictor import Predictor
from tests.eval.cases import SIX_ANSWERS, SIX_TEXTS, evaluated


@pytest.fixture(scope="module")
def report(tiny_predictor: Predictor, taxonomy: Taxonomy) -> dict[str, Any]:
    one = evaluated([*SIX_TEXTS] * 2, [*SIX_ANSWERS] * 2)
    made = measure_report(
        [one],
        tiny_predictor,
        train=SIX_TEXTS,
        taxonomy=taxonomy,
        additions=Additions(command="xiaobao evaluate --report /tmp/x"),
    )
    answers = {"words": {"category": ["B01"] * 12, "cause": ["C03"] * 12}}
    return {**made, "baselines": {"test": compare_answers(one, answers)}}


def _readmes(folder: Path) -> dict[str, str]:
    for name in ("README.md", "README.zh-CN.md"):
        (folder / name).write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n", encoding="utf-8")
    return {name: (folder / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")}


def test_the_block_is_replaced_and_nothing_else(report: dict[str, Any], tmp_path: Path) -> None:
    _readmes(tmp_path)
    rewrite_readmes(report, tmp_path)
    content = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert content.startswith(f"before\n\n{BEGIN}\n")
    assert content.endswith(f"\n{END}\n\nafter\n")
    assert "old" not in content
    assert "| category | 10 | 0.600 [" in content
    assert "| test: privacy | 2 of 4 | 0.500 [" in content
    assert "| words | 0.600 [" in content
    assert "`xiaobao evaluate --report FOLDER`" in content
    assert "| test | " in (tmp_path / "README.zh-CN.md").read_text(encoding="utf-8")


def test_writing_twice_changes_nothing(report: dict[str, Any], tmp_path: Path) -> None:
    _readmes(tmp_path)
    rewrite_readmes(report, tmp_path)
    once = [(tmp_path / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
    rewrite_readmes(report, tmp_path)
    assert once == [(tmp_path / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]


def test_every_table_is_whole(report: dict[str, Any], tmp_path: Path) -> None:
    _readmes(tmp_path)
    rewrite_readmes(report, tmp_path)
    for name in ("README.md", "README.zh-CN.md"):
        content = (tmp_path / name).read_text(encoding="utf-8")
        for block in content.split("\n\n"):
            lines = [line for line in block.splitlines() if line.startswith("|")]
            assert len({line.count("|") for line in lines}) <= 1


def test_a_facet_that_no_text_has_is_a_dash(report: dict[str, Any], tmp_path: Path) -> None:
    _readmes(tmp_path)
    no_category = {"words": {**report["baselines"]["test"]["words"], "category": {"n": 0}}}
    rewrite_readmes({**report, "baselines": {"test": no_category}}, tmp_path)
    content = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| words | – | – | – | 0." in content


def test_readme_without_markers_stays_as_it_is(report: dict[str, Any], tmp_path: Path) -> None:
    before = _readmes(tmp_path)
    (tmp_path / "README.zh-CN.md").write_text("no place", encoding="utf-8")
    with pytest.raises(InputFileError, match=r"README.zh-CN.md does not hold"):
        rewrite_readmes(report, tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == before["README.md"]


def test_the_projects_readmes_have_a_place() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        content = (ROOT / name).read_text(encoding="utf-8")
        assert content.count(BEGIN) == content.count(END) == 1
