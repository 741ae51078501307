"""Bulk work: order kept, windows not read ahead, errors not swallowed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.predictor import Inference, Predictor, PreparedInput
from serving.bulk import MOST_JOINED, MOST_PADDED_TOKENS, MOST_WAITING, near_lengths, triage_windows
from serving.predict_files import FIRST_WINDOW, predict_file

LENGTHS = [3, 500, 40, 41, 42, 43, 44, 2000, 7, 300, 1, 90]


def test_groups_are_near_and_small() -> None:
    groups = near_lengths(LENGTHS)
    assert sorted(i for group in groups for i in group) == list(range(len(LENGTHS)))
    assert all(len(group) <= MOST_JOINED for group in groups)
    assert all(len(g) == 1 or max(LENGTHS[i] for i in g) * len(g) <= MOST_PADDED_TOKENS for g in groups)
    assert groups[0] == [LENGTHS.index(2000)]
    assert near_lengths([]) == []


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
        assert json.loads(answers[0])["id"] == str(done)
        assert taken <= done + MOST_WAITING
    assert taken == 6


def test_a_failing_network_ends_the_run_and_leaves_no_file(
    tiny_predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_items: object) -> list[Inference]:
        raise RuntimeError("no")

    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"text": "你好"}), encoding="utf-8")
    monkeypatch.setattr(tiny_predictor, "infer", fail)
    with pytest.raises(RuntimeError, match="no"):
        predict_file(tiny_predictor, source, tmp_path / "out.jsonl", workers=2)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl"]
