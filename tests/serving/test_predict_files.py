"""Files of any size: Parquet in and out, problems beside the answers, memory that does not grow with the file."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from data.errors import InputFileError
from models.bundle import Bundle
from models.predictor import Predictor
from serving import triage_rows
from serving.cli import main
from serving.input_rows import Row, RowProblem, read_rows
from serving.output_files import FACETS, ROW_GROUP, open_answers
from serving.predict_files import predict_file
from serving.triage_rows import LARGEST_WINDOW

TEXTS = ["卡里少了钱", None, "你好", "", "帳戶被凍結，電話13800138000"]


def _parquet(file: Path, *, row_group_size: int = 2, **columns: list[Any]) -> Path:
    parquet.write_table(arrow.table(columns), file, row_group_size=row_group_size)
    return file


def _json_lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_parquet_gives_its_rows_over_row_groups(tmp_path: Path) -> None:
    file = _parquet(tmp_path / "in.parquet", 投诉内容=TEXTS, 工单号=[f"H{i}" for i in range(5)], other=[1] * 5)
    assert list(read_rows(file)) == [
        Row(line=1, id="H0", text="卡里少了钱"),
        RowProblem(line=2, code="text_missing", problem="no value for text"),
        Row(line=3, id="H2", text="你好"),
        Row(line=4, id="H3", text=""),
        Row(line=5, id="H4", text="帳戶被凍結，電話13800138000"),
    ]


def test_parquet_that_is_none_or_holds_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputFileError, match="cannot be read as Parquet"):
        list(read_rows(tmp_path / "bad.parquet"))
    with pytest.raises(InputFileError, match="no column named text among its 1 columns"):
        list(read_rows(_parquet(tmp_path / "in.parquet", other=["我被骗了"])))


def test_a_cell_that_is_no_text_is_a_problem_of_its_row(tmp_path: Path) -> None:
    [problem] = read_rows(_parquet(tmp_path / "in.parquet", text=[7]))
    assert str(problem) == "line 1: text is int, expected a string; skipped"


def test_parquet_out_holds_codes_and_the_whole_answer(tiny_predictor: Predictor, tmp_path: Path) -> None:
    source = _parquet(tmp_path / "in.parquet", text=TEXTS, id=[10, 11, 12, 13, 14])
    outcome = predict_file(tiny_predictor, source, tmp_path / "out.parquet", workers=2)
    rows = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert (outcome.done, outcome.failed) == (3, 2)
    assert [row["id"] for row in rows] == ["10", "12", "14"]
    for row in rows:
        answer = json.loads(row["answer"])
        assert {facet: answer[facet] and answer[facet]["code"] for facet in FACETS} == {f: row[f] for f in FACETS}
        assert row["flags"] == [flag["code"] for flag in answer["flags"]]
    assert "13800138000" not in json.dumps(rows)


def test_parquet_out_is_written_group_by_group(tiny_predictor: Predictor, tmp_path: Path) -> None:
    answer = tiny_predictor.triage(["卡里少了三千块"])[0].model_dump_json().encode()
    output = open_answers(tmp_path / "out.parquet", ending=".parquet")
    for _ in range(5):
        output.write([answer] * (ROW_GROUP // 4))
    output.close()
    file = parquet.ParquetFile(tmp_path / "out.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(2)] == [ROW_GROUP, ROW_GROUP // 4]


def test_problems_stand_beside_the_answers_without_a_text(tiny_bundle: Bundle, tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"text": "卡里少了钱"}\n{"text": ["秘密"]}\n{"text": " "}\n', encoding="utf-8")
    words = ["predict", "--input", str(source), "--output", str(output), "--workers", "1"]
    result = CliRunner().invoke(main, [*words, "--bundle", str(tiny_bundle.folder)])
    assert result.exit_code == 1
    problems = _json_lines(tmp_path / "out.jsonl.errors.jsonl")
    assert [(one["line"], one["code"]) for one in problems] == [(2, "text_type"), (3, "text_empty")]
    assert "秘密" not in (tmp_path / "out.jsonl.errors.jsonl").read_text(encoding="utf-8") + result.output
    source.write_text('{"text": "卡里少了钱"}\n', encoding="utf-8")
    CliRunner().invoke(main, [*words, "--bundle", str(tiny_bundle.folder)])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_memory_does_not_grow_with_the_rows(tiny_predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of bad rows too: twenty thousand pass, and never more than a few windows of them are held."""

    def rows(count: int) -> Iterator[RowProblem]:
        return (RowProblem(line=i, code="row_invalid", problem="not UTF-8 JSON") for i in range(count))

    def peak(count: int) -> int:
        tracemalloc.start()
        found = sum(len(window.problems) for window in triage_rows.triage_rows(tiny_predictor, rows(count), workers=1))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found == count
        return most

    assert peak(40 * LARGEST_WINDOW) < 1.5 * peak(5 * LARGEST_WINDOW)
