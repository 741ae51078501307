"""The command line runs through the real texts, where they are present; they are no part of the project."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REAL = Path(__file__).resolve().parents[3] / "shared" / "eval"


@pytest.mark.skipif(not (REAL / "real_dev.jsonl").exists(), reason="the real texts are not on this machine")
def test_predict_runs_through_the_real_texts(tmp_path: Path) -> None:
    xiaobao = Path(sys.executable).with_name("xiaobao")
    gold, output = REAL / "real_dev.jsonl", tmp_path / "predictions.jsonl"
    subprocess.run([xiaobao, "predict", "--input", gold, "--output", output], check=True, capture_output=True)
    command = [sys.executable, str(REAL / "score.py"), str(output), str(gold), "--json"]
    scores = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert scores["missing"] == 0
    assert scores["null_respected"]["n"] > 0
