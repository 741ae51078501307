"""A real Ray cluster of this machine: a run that goes on where another was killed, each row answered once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import ClusterError
from models.bundle import Bundle
from models.predictor import Predictor
from serving.cluster.partitions import write_partition
from serving.cluster.plan import begin, plan_of
from serving.cluster.ray_engine import _check_whole, _packed, _unpacked
from serving.input_rows import Row, RowProblem, read_rows
from serving.settings import policies_of_environment

XIAOBAO = str(Path(sys.executable).with_name("xiaobao"))

pytestmark = pytest.mark.proof


def test_goes_on_behind_what_is_done(tiny_bundle: Bundle, tmp_path: Path) -> None:
    """The first partition was written by a run that was killed; the rest is done by two actors."""
    source, output = tmp_path / "in.jsonl", tmp_path / "answers"
    lines = [json.dumps({"id": f"n{i}", "text": f"卡里少了{i}元" if i % 5 else "\u3000"}) for i in range(20)]
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    policy = policies_of_environment().current
    begin(output, plan_of(source, output, tiny_bundle, policy=policy.version, partition_rows=6))
    rows = list(read_rows(source))
    write_partition(Predictor(tiny_bundle, policy=policy), output, 0, rows[:6], ending=".jsonl")
    before = (output / "part-00000" / "answers.jsonl").stat()
    words = ["--engine", "ray", "--workers", "2", "--partition-rows", "6", "--bundle", str(tiny_bundle.folder)]
    done = subprocess.run(
        [XIAOBAO, "predict", "--input", str(source), "--output", str(output), *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "16 texts triaged, 4 skipped, in 4 partitions (1 were there)" in done.stderr
    assert "卡里" not in done.stderr
    answers = [file.read_text("utf-8").splitlines() for file in sorted(output.glob("*/answers.jsonl"))]
    found = [json.loads(line)["id"] for lines in answers for line in lines]
    assert found == [f"n{i}" for i in range(20) if i % 5]
    assert (output / "part-00000" / "answers.jsonl").stat().st_mtime_ns == before.st_mtime_ns
    records = [json.loads(file.read_text("utf-8")) for file in output.glob("part-*/record.json")]
    assert os.getpid() in {record["process"] for record in records}
    assert json.loads((output / "manifest.json").read_text("utf-8"))["answers"] == 16


def test_rows_come_out_as_they_went_in() -> None:
    rows = [Row(line=1, id="a", text="钱\ud800"), RowProblem(line=2, code="row_invalid", problem="not JSON")]
    assert _unpacked(_packed(rows)) == rows


def test_a_missing_partition_is_told() -> None:
    _check_whole([0, 1, 2])
    with pytest.raises(ClusterError, match="partition 1 and 1 others are missing"):
        _check_whole([0, 2, 4])
