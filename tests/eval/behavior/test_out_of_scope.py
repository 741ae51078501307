"""Texts that are not for a bank are all different, and what becomes of them is counted right."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from data.errors import CorpusError
from data.schema import LabelledText
from eval.behavior.out_of_scope import Fate, OutsideText, fate_of, main, observe, read_outside_texts, summarize
from eval.proportions import Proportion
from models.predictor import Predictor

LEAST = {"other_trade": 140, "small_talk": 40, "noise": 50, "other_language": 50, "other_text": 40}
ROW = {"id": "noise-001", "text": "？？？", "kind": "noise"}


def test_every_kind_has_enough_texts() -> None:
    numbers = Counter[str](text.kind for text in read_outside_texts())
    assert {kind: numbers[kind] >= least for kind, least in LEAST.items()} == dict.fromkeys(LEAST, True)
    assert numbers.total() >= 320


def test_no_text_is_of_the_corpus(shipped_corpus: tuple[LabelledText, ...]) -> None:
    corpus = {text.text.strip() for text in shipped_corpus if len(text.text) > 4}  # «你好» may be anybody's
    assert [text.id for text in read_outside_texts() if text.text.strip() in corpus] == []


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([{**ROW, "kind": "weather"}], "texts.jsonl:1: kind"),
        ([{**ROW, "text": ""}], "texts.jsonl:1: text"),
        ([ROW, ROW], "the same id in noise-001, noise-001"),
        ([ROW, {**ROW, "id": "noise-002"}], "the same text in noise-001, noise-002"),
    ],
)
def test_malformed_texts_are_errors(rows: list[dict[str, str]], fault: str, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(CorpusError, match=fault):
        read_outside_texts(file)


def test_no_json_and_no_file_are_errors(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    with pytest.raises(CorpusError, match="is not here"):
        read_outside_texts(file)
    file.write_text("？\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"texts\.jsonl:1: not JSON"):
        read_outside_texts(file)


def test_counts_are_right_on_constructed_fates() -> None:
    texts = [OutsideText(id=str(i), text=f"？{i}", kind="noise") for i in range(3)]
    texts.append(OutsideText(id="3", text="你好", kind="small_talk"))
    fates = [
        Fate(is_irrelevant=True, band="auto", is_unreadable=True),
        Fate(is_irrelevant=False, band="auto", is_unreadable=True),
        Fate(is_irrelevant=False, band="human", is_unreadable=False),
        Fate(is_irrelevant=False, band="suggest", is_unreadable=False),
    ]
    report = summarize(texts, fates, [fates[0], fates[3], fates[3], fates[3]])
    noise = {name: share.count for name, share in report.kinds["noise"].items()}
    assert noise == {"irrelevant": 1, "human": 1, "kept_out": 2, "auto": 1, "unreadable": 2}
    assert report.kinds["all"]["kept_out"] == Proportion(count=2, n=4)
    assert report.coded == ("1",)
    assert report.false_alarms["irrelevant"] == Proportion(count=1, n=4)


def test_the_fate_is_read_from_the_answer(tiny_predictor: Predictor) -> None:
    answer = tiny_predictor.triage(["卡丢了，要挂失"])[0]
    irrelevant = answer.order_type.model_copy(update={"code": "irrelevant"})
    fate = fate_of(answer.model_copy(update={"order_type": irrelevant}), is_unreadable=False)
    assert (fate.is_irrelevant, fate.band) == (True, answer.decision.band)
    assert [fate.is_unreadable for fate in observe(["？？？", "卡丢了，要挂失"], tiny_predictor)] == [True, False]


def test_the_command_measures_a_bundle(tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "report.json"
    monkeypatch.setattr(sys, "argv", ["out_of_scope", "--bundle", str(tiny_run / "bundle"), "--output", str(output)])
    main()
    report = json.loads(output.read_text(encoding="utf-8"))
    assert report["kinds"]["all"]["irrelevant"]["n"] == len(read_outside_texts())
    assert set(report["kinds"]) == {"all", *LEAST}
    assert len(report["coded"]) == report["kinds"]["all"]["auto"]["count"]
    assert report["false_alarms"]["irrelevant"]["n"] > 500
