"""Bulk work: order kept, windows not read ahead, a text that fails fails alone and is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eval.bulk_speed import join_longest_first
from models.answer import TriageAnswer
from models.network import MOST_JOINED, MOST_PADDED_TOKENS, near_lengths
from models.predictor import Inference, Predictor, PreparedInput
from serving.bulk import MOST_WAITING, triage_windows
from serving.predict_files import predict_file
from serving.triage_rows import FIRST_WINDOW

LENGTHS = [3, 500, 40, 41, 42, 43, 44, 2000, 7, 300, 1, 90]


def test_groups_are_near_and_small() -> None:
    groups = near_lengths(LENGTHS)
    assert sorted(i for group in groups for i in group) == list(range(len(LENGTHS)))
    assert all(len(group) <= MOST_JOINED for group in groups)
    assert all(len(g) == 1 or max(LENGTHS[i] for i in g) * len(g) <= MOST_PADDED_TOKENS for g in groups)
    assert groups[0] == [LENGTHS.index(2000)]
    assert near_lengths([]) == []


def test_the_engine_is_measured_on_the_groups_of_bulk() -> None:
    batches = join_longest_first([[0] * length for length in LENGTHS])
    assert [[len(text) for text in batch] for batch in batches] == [
        [LENGTHS[i] for i in g] for g in near_lengths(LENGTHS)
    ]


def test_answers_keep_the_order_over_many_windows(tiny_predictor: Predictor, tmp_path: Path) -> None:
    texts = [{"id": str(i), "text": "钱" * (1 + (i * 37) % 90)} for i in range(4 * FIRST_WINDOW)]
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("\n".join(map(json.dumps, texts)), encoding="utf-8")
    assert predict_file(tiny_predictor, source, output, workers=2).done == len(texts)
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [text["id"] for text in texts]
    assert [row["redacted_text"] for row in rows] == [text["text"] for text in texts]


def test_no_more_than_the_allowed_windows_are_held(tiny_predictor: Predictor) -> None:
    taken = 0

    def windows() -> Iterator[list[PreparedInput]]:
        nonlocal taken
        for i in range(6):
            taken += 1
            yield [tiny_predictor.prepare("你好", id=str(i))]

    for done, answers in enumerate(triage_windows(tiny_predictor, windows(), workers=2)):
        assert isinstance(answers[0], bytes)
        assert json.loads(answers[0])["id"] == str(done)
        assert taken <= done + MOST_WAITING
    assert taken == 6


def _source(folder: Path, texts: list[str]) -> Path:
    source = folder / "in.jsonl"
    source.write_text("\n".join(json.dumps({"id": str(i), "text": text}) for i, text in enumerate(texts)))
    return source


@pytest.mark.parametrize("step", ["prepare", "infer", "answer"])
def test_a_failing_text_becomes_a_problem_and_its_neighbours_are_answered(
    tiny_predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail_on_secrets(self: Predictor, what: Any, *rest: Any, **options: Any) -> Any:
        texts = what if isinstance(what, list) else [what]
        if any("秘密" in (text if isinstance(text, str) else text.prepared.model_text) for text in texts):
            raise RuntimeError("坏的秘密")
        return original(self, what, *rest, **options)

    original = getattr(Predictor, step)
    monkeypatch.setattr(Predictor, step, fail_on_secrets)
    source = _source(tmp_path, ["你好", "坏的", "秘密", "再见", "谢谢"])
    outcome = predict_file(tiny_predictor, source, tmp_path / "out.jsonl", workers=2)
    [problem] = map(str, outcome.problems)
    assert problem.startswith("line 3: internal_error: unexpected RuntimeError")
    assert "秘密" not in problem
    assert outcome.done == 4
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["0", "1", "3", "4"]


def test_a_network_that_gives_too_few_results_answers_nobody(
    tiny_predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Predictor, "infer", lambda *_: [])
    outcome = predict_file(tiny_predictor, _source(tmp_path, ["你好", "再见"]), tmp_path / "out.jsonl", workers=2)
    assert (outcome.done, outcome.failed) == (0, 2)
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_the_run_goes_on_over_windows_of_failing_texts(
    tiny_predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Predictor.answer

    def fail_at_times(self: Predictor, item: PreparedInput, inference: Inference) -> TriageAnswer:
        if int(item.id) % 50 == 7:
            raise ValueError
        return original(self, item, inference)

    monkeypatch.setattr(Predictor, "answer", fail_at_times)
    source = _source(tmp_path, ["钱" * (1 + i % 9) for i in range(3 * FIRST_WINDOW)])
    outcome = predict_file(tiny_predictor, source, tmp_path / "out.jsonl", workers=2)
    assert [f"line {problem.line}" for problem in outcome.problems] == ["line 8", "line 58", "line 108", "line 158"]
    assert outcome.done == 3 * FIRST_WINDOW - 4
