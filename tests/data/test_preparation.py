"""The redacted text is the original with only the personal data replaced; spans map to both."""

from pathlib import Path

import pytest

from data.dataset import read_corpus
from data.preparation import prepare_text
from data.taxonomy import Taxonomy

TEXT = "我係陳先生，電話 １３８ 0013 8000，身分證 11010119900307002X。\n帳戶被凍結"


def test_only_personal_data_is_replaced(taxonomy: Taxonomy) -> None:
    prepared = prepare_text(TEXT, taxonomy)
    assert prepared.redacted_text == "我係陳先生，電話 〔手机号〕，身分證 〔身份证〕。\n帳戶被凍結"
    assert prepared.model_text == "我系陈先生,电话 〔手机号〕,身份证 〔身份证〕。 账户被冻结"


def test_text_without_personal_data_is_unchanged(taxonomy: Taxonomy) -> None:
    text = "帳戶 被凍結！\n\n１２３"
    assert prepare_text(text, taxonomy).redacted_text == text


@pytest.mark.parametrize("word", ["冻结", "账户", "陈先生"])
def test_spans_map_to_original_and_redacted(taxonomy: Taxonomy, word: str) -> None:
    prepared = prepare_text(TEXT, taxonomy)
    start = prepared.model_text.index(word)
    span = prepared.locate(start, start + len(word))
    traditional = {"冻结": "凍結", "账户": "帳戶", "陈先生": "陳先生"}[word]
    assert TEXT[span.start : span.end] == traditional
    assert prepared.redacted_text[span.redacted_start : span.redacted_end] == traditional


def test_a_span_inside_a_placeholder_covers_all_of_it(taxonomy: Taxonomy) -> None:
    prepared = prepare_text(TEXT, taxonomy)
    start = prepared.model_text.index("手机号")
    span = prepared.locate(start, start + 1)
    assert TEXT[span.start : span.end] == "１３８ 0013 8000"
    assert prepared.redacted_text[span.redacted_start : span.redacted_end] == "〔手机号〕"


def test_every_character_of_the_corpus_maps_to_itself(taxonomy: Taxonomy, tiny_corpus: Path) -> None:
    for text in read_corpus(taxonomy, tiny_corpus / "texts"):
        prepared = prepare_text(text.text, taxonomy)
        for i in range(len(prepared.model_text)):
            span = prepared.locate(i, i + 1)
            shown = prepared.redacted_text[span.redacted_start : span.redacted_end]
            assert shown == text.text[span.start : span.end] or shown.startswith("〔")


def test_model_span_finds_the_words_again(taxonomy: Taxonomy) -> None:
    prepared = prepare_text(TEXT, taxonomy)
    start = TEXT.index("凍結")
    assert prepared.model_text[slice(*prepared.model_span(start, start + 2))] == "冻结"
