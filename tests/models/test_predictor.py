"""What an answer promises, whatever the model has learned."""

import pytest

from data.errors import BundleError, TextError
from data.taxonomy import Taxonomy
from models.answer import Evidence, TriageAnswer
from models.bundle import Bundle
from models.label_space import parent
from models.predictor import MAX_CHARACTERS, Predictor

TEXTS = [
    "存三年定期，柜员说换个产品利息更高，回家一看是保险，电话13800138000",
    "帳戶被凍結，客服叫我等，我等咗半個月",
    "你好",
    "催收一天打二十个电话，还打给我单位。" * 60,
    "。" * 3,
]


@pytest.fixture(scope="module")
def answers(tiny_predictor: Predictor) -> list[TriageAnswer]:
    return tiny_predictor.triage(TEXTS, ids=["a", "b", "c", "d", "e"], full=True)


def test_hierarchy_cannot_break(answers: list[TriageAnswer]) -> None:
    for answer in answers:
        if answer.category and answer.leaf:
            assert parent(answer.leaf.code) == answer.category.code
        if answer.cause and answer.subcause:
            assert parent(answer.subcause.code) == answer.cause.code
            assert answer.cause.code not in answer.causes2
        assert (answer.category is None) == (answer.order_type.code == "irrelevant")
        assert (answer.cause is None) == (answer.order_type.code != "complaint")
        if answer.order_type.code == "irrelevant":
            assert answer.channel.code == "unknown"


def test_probabilities_are_probabilities(answers: list[TriageAnswer]) -> None:
    for answer in answers:
        assert answer.probabilities is not None
        for head in ("order_type", "category", "leaf", "cause", "subcause", "channel"):
            assert sum(getattr(answer.probabilities, head).values()) == pytest.approx(1.0, abs=0.01)
        assert all(0 <= value <= 1 for value in answer.probabilities.flags.values())


def test_alternatives_are_ranked_and_do_not_repeat_the_answer(answers: list[TriageAnswer]) -> None:
    for facet in (answers[0].order_type, answers[0].channel):
        confidences = [facet.confidence, *(other.confidence for other in facet.alternatives)]
        assert confidences == sorted(confidences, reverse=True)
        assert len(facet.alternatives) <= 3
        assert facet.code not in {other.code for other in facet.alternatives}


def test_evidence_points_into_both_texts(answers: list[TriageAnswer]) -> None:
    shown = 0
    for original, answer in zip(TEXTS, answers, strict=True):
        pieces: list[Evidence] = [piece for flag in answer.flags for piece in flag.evidence]
        pieces += answer.cause.evidence if answer.cause else []
        for piece in pieces:
            assert answer.redacted_text[piece.redacted_start : piece.redacted_end] == piece.text
            assert 0 <= piece.start < piece.end <= len(original)
            assert piece.text == original[piece.start : piece.end] or "〔" in piece.text
            shown += 1
    assert shown > 0


def test_answer_never_echoes_personal_data(answers: list[TriageAnswer]) -> None:
    assert "13800138000" not in answers[0].model_dump_json()
    assert "〔手机号〕" in answers[0].redacted_text


def test_a_text_that_no_window_reaches_the_end_of_is_marked(
    tiny_predictor: Predictor, answers: list[TriageAnswer]
) -> None:
    assert not any(answer.truncated for answer in answers)
    endless = tiny_predictor.triage(["催收一天打二十个电话，还打给我单位。" * 1000])[0]
    assert endless.truncated
    assert "truncated" in endless.decision.reasons


def test_a_rule_raises_what_the_model_missed(tiny_predictor: Predictor) -> None:
    text = "帳戶被凍結，電話13800138000，再拖我就從你們樓上跳下去！"
    answer = tiny_predictor.triage([text])[0]
    [flag] = [flag for flag in answer.flags if flag.code == "E01"]
    assert flag.source in ("rule", "model+rule")
    assert "再拖我就從你們樓上跳下去" in [text[piece.start : piece.end] for piece in flag.evidence]
    assert "〔手机号〕" not in "".join(piece.text for piece in flag.evidence)
    assert (answer.decision.band, answer.decision.priority) == ("human", "urgent")
    assert "flag:E01" in answer.decision.reasons


def test_flags_say_who_raised_them(answers: list[TriageAnswer]) -> None:
    for answer in answers:
        for flag in answer.flags:
            assert flag.source in ("model", "rule", "model+rule")
            assert flag.evidence or not answer.redacted_text.strip("。")


def test_money_points_into_both_texts(tiny_predictor: Predictor) -> None:
    text = "電話13800138000，月薪六千，卡裡被刷走８，６００元，要求退還"
    answer = tiny_predictor.triage([text])[0]
    assert [amount.value for amount in answer.amounts] == [6000, 8600]
    assert answer.amount == answer.amounts[1]
    assert text[answer.amount.start : answer.amount.end] == "８，６００元"
    assert answer.redacted_text[answer.amount.redacted_start : answer.amount.redacted_end] == answer.amount.text
    assert (answer.amount.currency, answer.amount.is_approximate, answer.amount.value_to) == ("CNY", False, None)


def test_no_money_is_null(tiny_predictor: Predictor) -> None:
    answer = tiny_predictor.triage(["2021年3月的事，尾号1234的卡，没人接电话"])[0]
    assert (answer.amount, answer.amounts) == (None, [])


def test_batch_and_single_agree(tiny_predictor: Predictor, answers: list[TriageAnswer]) -> None:
    for text, answer in zip(TEXTS, answers, strict=True):
        alone = tiny_predictor.triage([text])[0]
        assert alone.order_type.code == answer.order_type.code
        # int8 activations are scaled per batch, so neighbours move a probability a little
        assert alone.order_type.confidence == pytest.approx(answer.order_type.confidence, abs=0.05)


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "text_empty"), (" \n\t", "text_empty"), ("\u200b\u200b", "text_empty"),
     ("长" * (MAX_CHARACTERS + 1), "text_too_long"), ("坏\ud800", "text_not_unicode")],
)  # fmt: skip
def test_bad_text_is_refused_with_a_code(tiny_predictor: Predictor, text: str, code: str) -> None:
    with pytest.raises(TextError) as caught:
        tiny_predictor.prepare(text)
    assert caught.value.code == code


def test_longest_text_is_accepted(tiny_predictor: Predictor) -> None:
    assert tiny_predictor.triage(["长" * MAX_CHARACTERS])[0].truncated


def test_a_bundle_of_a_newer_taxonomy_is_refused_at_start(tiny_bundle: Bundle, taxonomy: Taxonomy) -> None:
    content = taxonomy.model_dump()
    older = Taxonomy.model_validate({**content, "flags": content["flags"][:-1]})
    with pytest.raises(BundleError, match=r"1 labels that the taxonomy here lacks \(first: X01\)"):
        Predictor(tiny_bundle, older)
