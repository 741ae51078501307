"""Partitions appear whole and once; a run goes on only in the folder of the same run."""

import hashlib
import json
from pathlib import Path

import pytest

from data.errors import InputFileError
from models.bundle import Bundle
from models.predictor import Predictor
from serving.cluster.partitions import finished, split, sweep, write_manifest, write_partition
from serving.cluster.plan import RunPlan, begin, plan_of
from serving.input_rows import Row, RowProblem, read_rows

ROWS = [Row(line=1, id="a", text="卡里少了钱"), RowProblem(line=2, code="row_invalid", problem="not UTF-8 JSON"),
        Row(line=3, id="c", text=" "), Row(line=4, id="d", text="你好")]  # fmt: skip


@pytest.fixture
def plan(tiny_bundle: Bundle, tmp_path: Path) -> RunPlan:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "你好"}\n', encoding="utf-8")
    return plan_of(source, tmp_path / "out", tiny_bundle, policy="1.0.0", partition_rows=2)


def test_rows_are_split_in_order_and_what_is_done_is_left_out(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f'{{"text": "{i}"}}\n' for i in range(7)), encoding="utf-8")
    parts = list(split(read_rows(source), size=3, done={1}))
    assert [(number, [row.line for row in rows]) for number, rows in parts] == [(0, [1, 2, 3]), (2, [7])]


def test_a_partition_holds_answers_problems_and_its_record(tiny_predictor: Predictor, tmp_path: Path) -> None:
    record = write_partition(tiny_predictor, tmp_path, 3, ROWS, ending=".jsonl")
    place = tmp_path / "part-00003"
    assert sorted(file.name for file in place.iterdir()) == ["answers.jsonl", "errors.jsonl", "record.json"]
    assert (record.answers, record.problems, record.first_line, record.last_line) == (2, 2, 1, 4)
    assert record.sha256 == hashlib.sha256((place / "answers.jsonl").read_bytes()).hexdigest()
    lines = [json.loads(line)["line"] for line in (place / "errors.jsonl").read_text("utf-8").splitlines()]
    assert sorted(lines) == [2, 3]
    assert finished(tmp_path) == {3: record}


def test_who_comes_second_leaves_what_is_there(
    tiny_predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where both were at work: the first renames its folder while the second still writes."""
    real = Path.rename

    def slow(draft: Path, place: Path) -> Path:
        monkeypatch.setattr(Path, "rename", real)
        first.append(write_partition(tiny_predictor, tmp_path, 0, ROWS[3:], ending=".jsonl"))
        return real(draft, place)

    first: list[object] = []
    monkeypatch.setattr(Path, "rename", slow)
    second = write_partition(tiny_predictor, tmp_path, 0, ROWS, ending=".jsonl")
    third = write_partition(tiny_predictor, tmp_path, 0, ROWS, ending=".jsonl")
    assert first == [second] == [third]
    assert second.answers == 1
    assert [path.name for path in tmp_path.iterdir()] == ["part-00000"]


def test_a_worker_that_dies_leaves_no_partition(
    tiny_predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr("serving.cluster.partitions.bring_to_disk", die)
    monkeypatch.setattr("serving.cluster.partitions.shutil.rmtree", lambda *_, **__: None)
    with pytest.raises(SystemExit):
        write_partition(tiny_predictor, tmp_path, 0, ROWS, ending=".jsonl")
    monkeypatch.undo()
    assert finished(tmp_path) == {}
    assert len(list(tmp_path.iterdir())) == 1
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_same_run_goes_on_and_another_is_refused(plan: RunPlan, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    begin(folder, plan)
    begin(folder, plan)
    other = RunPlan(**{**vars(plan), "policy": "2.0.0", "partition_rows": 5})
    with pytest.raises(InputFileError, match="a run with another partition_rows, policy"):
        begin(folder, other)


def test_a_run_that_was_killed_while_it_wrote_its_plan_goes_on(plan: RunPlan, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / ".plan.json.new").write_text("{")
    begin(folder, plan)
    assert [path.name for path in folder.iterdir()] == ["plan.json"]


def test_a_folder_of_other_files_is_refused(plan: RunPlan, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="holds other files"):
        begin(tmp_path, plan)


def test_the_manifest_counts_everything(tiny_predictor: Predictor, tmp_path: Path) -> None:
    records = [write_partition(tiny_predictor, tmp_path, i, ROWS, ending=".parquet") for i in range(2)]
    write_manifest(tmp_path, records)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["answers"], manifest["problems"]) == (4, 4)
    assert [part["number"] for part in manifest["partitions"]] == [0, 1]
