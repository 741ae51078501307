"""Augmented texts keep true labels: quotes still stand where they say, sizes and scripts change as described."""

import random
import unicodedata
from dataclasses import replace

import pytest

from data.augment import KINDS, augment, join, rewrite
from data.augment import Edit as E
from data.normalize import normalize_text
from data.redaction.recognizers import find_pii
from data.schema import EvidenceSpan, LabelledText


@pytest.fixture(scope="module")
def texts(shipped_corpus: tuple[LabelledText, ...]) -> tuple[LabelledText, ...]:
    return shipped_corpus[:400]


def _quotes(text: LabelledText) -> dict[str, list[str]]:
    return {code: [text.text[s.start : s.end] for s in spans] for code, spans in text.evidence.items()}


def _example(text: str, quote: str) -> LabelledText:
    start = text.index(quote)
    return LabelledText(
        id="t", text=text, order_type="complaint", category="B03A", leaf="B03A.05", cause="C10", subcause="C10.1",
        channel="unknown", flags=("E07",), evidence={"C10": (EvidenceSpan(start=start, end=start + len(quote)),)},
        voice="first_person", input="typed", names_product=True, scenario="s", writer="w",
    )  # fmt: skip


def test_quotes_move_with_the_words_they_quote() -> None:
    text = _example("卡里少了三千块，我没转过。", "少了三千块")
    moved = rewrite(
        text, [E(start=0, end=0, words="客户称："), E(start=2, end=2, words="呀"), E(start=7, end=8, words="")]
    )
    assert moved.text == "客户称：卡里呀少了三千块我没转过。"
    assert _quotes(moved) == {"C10": ["少了三千块"]}


@pytest.mark.parametrize("kind", ["wrap", "truncate", "fresh_pii"])
def test_kinds_that_leave_the_quotes_alone(kind: str, texts: tuple[LabelledText, ...]) -> None:
    changed = 0
    for text in texts:
        other = augment(replace(text, pii=()) if kind != "fresh_pii" else text, seed=3, kinds={kind: 1.0})
        changed += other.text != text.text
        if kind != "fresh_pii" or not text.pii:
            assert _quotes(other) == _quotes(text), text.id
    assert changed > 40


@pytest.mark.parametrize("kind", [*KINDS, "join"])
def test_quotes_never_leave_the_text(kind: str, texts: tuple[LabelledText, ...]) -> None:
    for text in texts:
        other = augment(text, seed=5, kinds={kind: 1.0}, others=texts)
        assert all(0 <= s.start < s.end <= len(other.text) for spans in other.evidence.values() for s in spans), text.id
        assert set(other.evidence) >= set(text.evidence)


def test_the_same_seed_gives_the_same_text(texts: tuple[LabelledText, ...]) -> None:
    kinds = dict.fromkeys([*KINDS, "join"], 0.5)
    first = [augment(text, seed=1, kinds=kinds, others=texts).text for text in texts]
    assert first == [augment(text, seed=1, kinds=kinds, others=texts).text for text in texts]
    assert (
        sum(
            a != b
            for a, b in zip(first, [augment(t, seed=2, kinds=kinds, others=texts).text for t in texts], strict=True)
        )
        > 300
    )


def test_fresh_numbers_are_personal_data_too(texts: tuple[LabelledText, ...]) -> None:
    for text in texts:
        other = augment(text, seed=9, kinds={"fresh_pii": 1.0})
        if other.text != text.text and {pii.kind for pii in text.pii} <= {"id_card", "bank_card", "mobile"}:
            found = {span.kind for span in find_pii(normalize_text(other.text).text)}
            assert {pii.kind for pii in text.pii} <= found, other.text


def test_script_and_sound_change_letters_not_places(texts: tuple[LabelledText, ...]) -> None:
    for kind in ("digit_script", "traditional", "homophones"):
        others = [augment(text, seed=4, kinds={kind: 1.0}) for text in texts]
        assert all(len(other.text) == len(text.text) for other, text in zip(others, texts, strict=True))
        assert sum(other.text != text.text for other, text in zip(others, texts, strict=True)) > 100
    wide = augment(_example("扣了1200元", "1200元"), seed=1, kinds={"digit_script": 1.0})
    assert wide.text == "扣了１２００元"
    assert unicodedata.normalize("NFKC", wide.text) == "扣了1200元"


def test_dropped_marks_never_split_a_number() -> None:
    text = _example("余额1,234.56元，少了。怎么办？", "少了")
    bare = KINDS["drop_punctuation"](text, random.Random(1))
    assert "1,234.56元" in bare.text
    assert "，" not in bare.text or "？" not in bare.text


def test_two_matters_keep_the_first_as_primary() -> None:
    first, second = _example("卡里少了三千块。", "少了三千块"), _example("还有人天天打电话骂我爸。", "天天打电话骂我爸")
    second = replace(
        second,
        id="u",
        cause="C12",
        subcause="C12.3",
        flags=("P06",),
        evidence={"C12": second.evidence["C10"], "P06": second.evidence["C10"]},
    )
    both = join(first, second, random.Random(2))
    assert (both.cause, both.causes2, both.flags) == ("C10", ("C12",), ("E07", "P06"))
    assert _quotes(both) == {"C10": ["少了三千块"], "P06": ["天天打电话骂我爸"]}


def test_a_question_is_never_joined_to_a_complaint() -> None:
    complaint = _example("卡里少了三千块。", "少了三千块")
    question = replace(complaint, id="u", order_type="consultation", cause=None, subcause=None, flags=(), evidence={})
    assert join(complaint, question, random.Random(1)) is complaint


def test_a_text_is_never_joined_to_itself_and_a_second_matter_never_cut(texts: tuple[LabelledText, ...]) -> None:
    complaint = _example("卡里少了三千块。", "少了三千块")
    assert join(complaint, complaint, random.Random(1)) is complaint
    for text in texts:
        joined = augment(text, seed=8, kinds={"join": 1.0}, others=texts)
        cut = augment(text, seed=8, kinds={"join": 1.0, "truncate": 1.0}, others=texts)
        assert joined.text == text.text or cut == joined
