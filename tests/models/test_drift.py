"""Texts of the reference's kind raise nothing; each kind of change raises its own measure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputFileError
from models.drift import Observation, Reference, build_reference, measure_drift

WORDS = "信用卡年费退还贷款利率合同理财产品赎回柜台排队"


def texts(
    n: int, seed: int, *, words: str = WORDS, length: int = 40, cards: float = 0.5, sure: float = 0.9
) -> list[Observation]:
    dice = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        text = "".join(dice.choice(list(words), length))
        leaf, other = ("B03B.01", "B02.01") if dice.random() < cards else ("B02.01", "B03B.01")
        p = {leaf: sure, other: 1 - sure}
        category = {code[:-3]: value for code, value in p.items()}
        made.append(Observation(text=text, probabilities={"leaf": p, "category": category}))
    return made


@pytest.fixture(scope="module")
def reference() -> Reference:
    return build_reference("2026-11-30b", texts(2000, 1))


def alerts(reference: Reference, week: Sequence[Observation]) -> set[str]:
    return {one.name for one in measure_drift(reference, week) if one.alert}


def test_the_same_kind_of_texts_raises_nothing(reference: Reference) -> None:
    assert [alerts(reference, texts(120, seed)) for seed in range(2, 12)] == [set()] * 10


def test_each_change_raises_its_own_measure(reference: Reference) -> None:
    assert alerts(reference, texts(300, 3, length=400)) == {"length"}
    assert "labels:category" in alerts(reference, texts(300, 4, cards=0.95))
    assert "confidence:category" in alerts(reference, texts(300, 5, sure=0.6))
    assert "embedding" in alerts(reference, texts(300, 6, cards=0.95))
    assert alerts(reference, texts(300, 7, words=WORDS + "数字人民币钱包硬件")) == {"vocabulary"}


def test_few_texts_are_refused(reference: Reference) -> None:
    with pytest.raises(InputFileError, match="12 texts say nothing"):
        measure_drift(reference, texts(12, 8))


def test_a_reference_is_read_as_it_was_written(reference: Reference, tmp_path: Path) -> None:
    reference.write(tmp_path / "drift" / "a.json")
    assert Reference.read(tmp_path / "drift" / "a.json") == reference
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(InputFileError, match="drift reference"):
        Reference.read(tmp_path / "broken.json")
