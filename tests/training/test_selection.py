"""Each stratum takes what it is for; audit finds planted errors, people who differ, and habits that changed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.snapshots import LabelRow, forget, read_snapshot, write_snapshot
from training.label_audit import disagreement, shifts, suspicious_labels
from training.selection import SHARES, Candidate, by_diversity, by_risk, by_uncertainty, choose

START = datetime(2026, 9, 1, tzinfo=UTC)


def candidate(name: str, margin: float = 0.9, text: str = "信用卡", **flags: float) -> Candidate:
    high = (1 + margin) / 2
    return Candidate(id=name, text=text, probabilities={"category": {"B01": high, "B02": 1 - high}, "flags": flags})


def row(number: int, category: str = "B01", **changes: Any) -> LabelRow:
    values: dict[str, Any] = {
        "id": f"c{number}", "text": "投诉", "order_type": "complaint", "category": category, "leaf": None,
        "cause": None, "subcause": None, "channel": "unknown", "labelled_at": START + timedelta(hours=number),
        "reviewer": "r1",
    }  # fmt: skip
    return LabelRow(**(values | changes))


def test_small_margins_come_first() -> None:
    assert by_uncertainty([candidate("sure"), candidate("torn", 0.1), candidate("so-so", 0.5)])[0] == "torn"


def test_rare_flags_get_their_turn() -> None:
    often = [candidate(f"e{i}", E07=0.5 + 0.01 * i) for i in range(20)]
    assert by_risk([*often, candidate("rare", P05=0.3)])[:2] == ["e0", "rare"]


def test_diverse_texts_are_unlike() -> None:
    same = [candidate(f"s{i}", text="信用卡年费争议要求退还年费") for i in range(30)]
    other = [candidate("loan", text="提前还房贷一直排队"), candidate("gold", text="买的金条回购价太低")]
    assert {"loan", "gold"} <= set(by_diversity([*same, *other], 3, seed=1))


def test_all_strata_are_served_and_nothing_is_chosen_twice() -> None:
    dice = np.random.default_rng(4)
    pool = [candidate(f"c{i}", dice.random(), text=f"第{i}笔{dice.integers(9)}", P01=dice.random()) for i in range(400)]
    chosen = choose(pool, 100, decided=[f"d{i}" for i in range(50)])
    counts = {reason: sum(choice.reason == reason for choice in chosen) for reason in SHARES}
    assert counts == {"uncertain": 40, "diverse": 20, "risk": 20, "random": 15, "blind": 5}
    assert len({choice.id for choice in chosen}) == 100
    assert choose(pool, 100) == choose(pool, 100)


def test_planted_label_errors_are_found() -> None:
    pytest.importorskip("cleanlab")
    dice = np.random.default_rng(5)
    rows, planted = [], set()
    for i in range(300):
        truth = dice.choice(["B01", "B02", "B03A"])
        p = {code: 0.9 if code == truth else 0.05 for code in ("B01", "B02", "B03A")}
        given = truth
        if i % 20 == 0:
            given = "B01" if truth != "B01" else "B02"
            planted.add(f"c{i}")
        rows.append(row(i, str(given), probabilities={"category": p}))
    found = {suspicion.id for suspicion in suspicious_labels(rows, "category")}
    assert len(found & planted) >= 0.8 * len(planted)
    assert len(found - planted) <= 0.2 * len(planted)


def test_blind_readings_show_disagreement() -> None:
    reading = {"order_type": "complaint", "category": "B02", "flags": ()}
    rows = [row(i, readings=({**reading, "category": "B01" if i < 6 else "B02"},)) for i in range(8)]
    figures = disagreement(rows)
    assert (figures["category"]["n"], figures["category"]["agreement"]) == (8, 0.75)
    assert figures["order_type"]["kappa"] == 1.0
    assert "leaf" not in figures


def test_a_changed_habit_and_an_odd_reviewer_are_found() -> None:
    before = [row(i, "B01" if i % 2 else "B02", reviewer=f"r{i % 3}") for i in range(600)]
    after = [row(2000 + i, "B03A", reviewer="r0") for i in range(60)]
    found = {(shift.code, shift.where) for shift in shifts([*before, *after])}
    assert ("B03A", "latest 28 days") in found
    assert ("B03A", "r0") in found
    assert shifts(before) == []


def test_a_snapshot_is_a_hugging_face_dataset_too_and_forgets_there_as_well(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [row(i, flags=("P01",) if i % 2 else ()) for i in range(40)]
    plain = write_snapshot(tmp_path, rows, versions={"taxonomy": "1.0.0"}, hugging_face=False)
    folder = write_snapshot(tmp_path, rows, versions={"taxonomy": "1.0.0"}, hugging_face=True)
    assert folder == plain  # the same rows, and now the dataset beside them
    stored = datasets.load_from_disk(str(folder / "datasets"))
    assert {split: len(stored[split]) for split in stored} == {
        split: len(read_snapshot(folder, [split])) for split in ("gate", "train")
    }
    assert forget(folder, {"c1", "c2", "c3"}) == 3
    left = datasets.load_from_disk(str(folder / "datasets"))
    assert {"c1", "c2", "c3"} & {name for split in left for name in left[split]["id"]} == set()
