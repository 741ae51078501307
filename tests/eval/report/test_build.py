"""One command writes the report: every section is there, nothing is loaded, gold texts are never shown."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eval.report.page import learning_points, render_page, tables
from models.bundle import Bundle
from serving.cli import main
from tests.eval.test_gold import ROW

SECTIONS = (
    "facets", "baselines", "flags", "causes2", "evidence", "calibration", "bands", "risk", "slices", "confusion",
    "classes", "learning", "latency", "behavior", "examples", "provenance",
)  # fmt: skip
CURVE = [{"texts": 1000, "category": 0.6}, {"texts": 2000, "category": 0.7}]
LATENCY = {"cores": 2, "services": {"ours": {"p50_ms": 4.25}, "peer": {"p50_ms": 9.5}}}
BEHAVIOR: dict[str, Any] = {"cases": 40, "types": {"minimum": {"count": 31, "n": 40, "share": [0.775, 0.625, 0.877]}}}


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["evaluate", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def corpus(tiny_corpus: Path) -> tuple[object, ...]:
    return ("--corpus", tiny_corpus / "texts", "--splits", tiny_corpus / "splits.tsv")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Bundle, corpus: tuple[object, ...]) -> Path:
    """A report of the tiny bundle with everything that takes no training."""
    folder = tmp_path_factory.mktemp("report")
    files = {"curve": CURVE, "latency": LATENCY, "behavior": BEHAVIOR}
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "gold.jsonl").write_text(json.dumps(ROW, ensure_ascii=False) + "\n", encoding="utf-8")
    result = _run(
        "--bundle", tiny_bundle.folder, "--report", folder / "out", "--gold", f"mine={folder / 'gold.jsonl'}", *corpus,
        "--learning-curve", folder / "curve.json", "--latency", folder / "latency.json",
        "--behavior", folder / "behavior.json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return folder / "out"


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_figures_of_every_set(report: dict[str, Any]) -> None:
    assert list(report["sets"]) == ["dev", "calibration", "test", "mine"]
    assert [one["scores"]["texts"] for one in report["sets"].values()] == [13, 13, 13, 1]
    assert set(report["sets"]["test"]) == {"origin", "source", "scores", "slices", "confidence", "confusion"}
    assert report["faithfulness"]["texts"] == 13
    assert report["provenance"]["bundle"] == "bundle"
    assert re.fullmatch(r"xiaobao evaluate --bundle \S+ --gold mine=\S+ --report .+", report["provenance"]["command"])
    assert "--reuse" not in report["provenance"]["command"]


def test_page_holds_every_section(page: str) -> None:
    assert [name for name in SECTIONS if f'<section id="{name}">' not in page] == []
    assert "借记卡" in page
    assert "4.25" in page
    assert "31 of 40, 0.775 [0.625, 0.877]" in page
    assert page.count("<svg") == 2 * 4 + 1


def test_page_loads_nothing(page: str) -> None:
    assert re.findall(r"https?:", page) == []
    assert re.findall(r"\b(?:src|href)=\"(?!#)[^\"]*", page) == []
    assert "@import" not in page


def test_texts_of_gold_files_are_never_shown(report: dict[str, Any], page: str) -> None:
    for shown in (page, json.dumps(report, ensure_ascii=False)):
        assert str(ROW["text"])[:8] not in shown


def test_examples_are_texts_of_the_corpus_with_marks(report: dict[str, Any], page: str) -> None:
    assert 10 <= len(report["examples"]) <= 20
    first = report["examples"][0]
    assert {"wanted", "given", "confidence", "is_right"} == set(first["facets"]["cause"])
    assert any(part["codes"] for example in report["examples"] for part in example["parts"])
    assert "<mark>" in page


def test_complaints_are_escaped(report: dict[str, Any], taxonomy: Any) -> None:
    example = {**report["examples"][0], "parts": [{"text": "<script>alert(1)</script>", "codes": []}]}
    short = {**report, "sets": {"test": report["sets"]["test"]}, "learning_curve": []}  # few charts are quicker
    shown = render_page({**short, "examples": [example]}, taxonomy)
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>" not in shown


def test_page_is_made_anew_without_measuring(folder: Path, page: str) -> None:
    (folder / "report.html").unlink()
    result = _run("--report", folder, "--reuse")
    assert result.exit_code == 0, result.output
    assert (folder / "report.html").read_text(encoding="utf-8") == page


def test_one_set_is_printed(tiny_bundle: Bundle, corpus: tuple[object, ...], folder: Path, tmp_path: Path) -> None:
    result = _run("--bundle", tiny_bundle.folder, "--split", "test", *corpus)
    assert "on test: 13 texts" in result.output
    assert "causes2" in result.output
    empty = ("--corpus", tmp_path)  # as in an installation without the corpus
    gold = _run("--bundle", tiny_bundle.folder, "--gold", folder.parent / "gold.jsonl", *empty)
    assert "on gold: 1 texts" in gold.output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--gold", "nowhere.jsonl"], 1, "there is no file nowhere.jsonl"),
        (["--gold", "test=pyproject.toml"], 1, "the name 'test' is empty or taken"),
        (["--gold", "pyproject.toml"], 1, "pyproject.toml:1: "),
        (["--split", "dev", "--split", "test"], 2, "add --report FOLDER"),
        (["--baselines"], 2, "--baselines belongs to a report"),
        (["--report", "nowhere", "--json"], 2, "--json prints figures"),
        (["--report", "nowhere", "--reuse", "--gold", "a=b"], 2, "--reuse measures nothing, so --gold"),
        (["--report", "nowhere", "--reuse", "--split", "dev"], 2, "--reuse measures nothing, so --split"),
        (["--report", "nowhere", "--reuse", "--baselines"], 2, "--reuse measures nothing, so --baselines"),
        (["--report", "nowhere", "--reuse"], 1, "report.json cannot be read as JSON"),
    ],
)
def test_wrong_use_is_one_line(arguments: list[str], code: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parents[3])
    result = _run(*arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_an_empty_split_is_named(tiny_bundle: Bundle, corpus: tuple[object, ...]) -> None:
    result = _run("--bundle", tiny_bundle.folder, "--split", "test_writer", *corpus)
    assert result.exit_code == 1
    assert "is in the split test_writer" in result.stderr


def test_measurements_made_elsewhere_become_tables() -> None:
    cores, services = tables(LATENCY)
    assert cores == {"title": "", "head": ["", ""], "rows": [["cores", 2]]}
    assert services == {"title": "services", "head": ["", "ours", "peer"], "rows": [["p50_ms", 4.25, 9.5]]}
    assert tables(CURVE) == [{"title": "", "head": ["texts", "category"], "rows": [[1000, 0.6], [2000, 0.7]]}]
    assert tables(BEHAVIOR)[1]["rows"] == [["minimum", BEHAVIOR["types"]["minimum"]]]
    assert len(tables({str(i): {"a": {"x": 1}} for i in range(9)})) == 9


def test_learning_curves_have_texts_and_figures() -> None:
    assert learning_points({"points": CURVE}) == CURVE
    assert learning_points([{"texts": 5, "run": "a", "cause": 0.5}]) == [{"texts": 5, "cause": 0.5}]
    assert learning_points([{"cause": 0.5}]) == []
    assert learning_points(None) == []
