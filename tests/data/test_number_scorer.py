"""Numbers that no pattern describes are put together from pieces and scored."""

import time
from itertools import pairwise

import pytest

from data.normalize import normalize_text
from data.redaction.digit_chains import chains, find_pieces, gap_class
from data.redaction.digits import fold_digits
from data.redaction.number_scorer import default_scorer, features, form
from data.redaction.recognizers import find_by_patterns, find_pii


def _pieces(text: str) -> list[str]:
    return [piece.digits for piece in find_pieces(text, fold_digits(text))]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("138 0013-8000", ["138", "0013", "8000"]),
        ("幺三八,三个零,五", ["138", "000", "5"]),
        ("取了八个4999", ["4999"]),
        ("一直打一三九,两天", ["139"]),
        ("13800001234一直不通", ["13800001234"]),
        ("每月二十号去四川", []),
    ],
)
def test_pieces(text: str, digits: list[str]) -> None:
    assert _pieces(text) == digits


@pytest.mark.parametrize(
    ("gap", "kind"),
    [
        (" - ", " -"),
        ("、", ","),
        (",嗯,", "fill"),
        ("后面是", "fill"),
        (",不对,", "wrong"),
        (" 客服:嗯 客户:", "turn"),
        (" 客服:请说您的身份证号 客户:", "words"),
        ("是不是", "words"),
    ],
)
def test_what_stands_between_pieces(gap: str, kind: str) -> None:
    assert gap_class(gap) == kind


def test_a_chain_ends_where_something_else_begins() -> None:
    text = "打幺三九,零八七,四二五,幺六。余额三二零幺五"
    found = {text[chain.start : chain.end] for chain in chains(text, find_pieces(text, fold_digits(text)))}
    assert "幺三九,零八七,四二五,幺六" in found
    assert not any("余额" in written for written in found)


@pytest.mark.parametrize(
    ("digits", "kind"),
    [
        ("510107196803124417", "id"),
        ("510107680312441", "id15"),
        ("13800138000", "mobile"),
        ("04716540238", "landline"),
        ("6217002870005132640", "card"),
        ("20240618003377", "date"),
        ("26540238", "local"),
        ("00817723", "short"),
    ],
)
def test_form(digits: str, kind: str) -> None:
    assert form(digits) == kind


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("家里座机( 0371 ) 6 3 2 8  8 1 4 5,晚上打", "( 0371 ) 6 3 2 8 8 1 4 5"),
        ("店里0512.6625.3390,白天有人", "0512.6625.3390"),
        ("固话:0771(5862033),请回电", "0771(5862033)"),
        ("打一三九、零八七、四二五、一六,找我儿子", "一三九、零八七、四二五、一六"),
        ("主叫0536-二一七 90 83,已告知", "0536-二一七 90 83"),
        ("身份证五零零,二三三,幺九,九零,幺零,幺六,八幺,八,叉,是我", "五零零,二三三,幺九,九零,幺零,幺六,八幺,八,叉"),
    ],
)
def test_found_where_no_pattern_finds_it_whole(text: str, value: str) -> None:
    text = normalize_text(text).text
    assert value in [text[span.start : span.end] for span in find_pii(text)]


@pytest.mark.parametrize(
    "text",
    [
        "登录地址183.157.24.109,不是我",
        "打400 820 0123一直占线",
        "10690512778发来的短信",
        "挂号信号XA-3391-0027-4没收到",
        "分三笔1200 2000 850扣走",
        "3月1日 2日 15日 28日各扣一次",
        "卡里被刷2680不对是2860",
        "卡里扣了 1280 1350 960 三笔",
        "1234567,上山打老虎",
        "一二三四五六七八九",
        "转走11,000、23,500、8,000三笔",
        "实名验证后,余额100000报给我",
    ],
)
def test_other_numbers_are_not_added(text: str) -> None:
    text = normalize_text(text).text
    assert find_pii(text) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("联系人赵六13800138000", ["赵六", "13800138000"]),
        ("联系人李四(13800138000)", ["李四", "(13800138000)"]),
        ("住在滨江路1288 3 1502", ["滨江路1288"]),
        ("联系电话13800138000 2024-03-05来电投诉", ["13800138000"]),
        ("电话02788886666 3000 5000", ["02788886666"]),
        ("账号12345678901234567×2份", ["12345678901234567"]),
    ],
)
def test_what_stands_beside_keeps_its_own(text: str, values: list[str]) -> None:
    assert [text[span.start : span.end] for span in find_pii(text)] == values


@pytest.mark.parametrize("end", ["x8812@qq.com", "X12345678l微信"])
def test_the_last_place_of_an_id_is_not_taken_from_another_span(end: str) -> None:
    spans = find_pii(f"身份证五一零一零七一九六八零三一二四四一,{end}")
    assert all(left.end <= right.start for left, right in pairwise(spans))


def test_what_a_pattern_found_in_part_keeps_its_kind() -> None:
    text = "身份证号我念:五零零二三三,幺九九三,零九零八,二六幺,叉"
    folded = fold_digits(text)
    before, after = find_by_patterns(text, folded), find_pii(text)
    assert [span.kind for span in after] == [span.kind for span in before]
    assert text[after[0].start : after[0].end].endswith("叉")


def test_the_first_feature_always_holds() -> None:
    text = "打13800138000"
    folded = fold_digits(text)
    (chain,) = chains(text, find_pieces(text, folded))
    assert features(text, folded, chain)[0] == "bias"


@pytest.mark.parametrize("piece", ["1 ", "一,", "12-", "三个八", "0471 ", "幺不对,", "1客服:嗯客户:"])
def test_a_long_text_of_digits_is_read_in_bounded_time(piece: str) -> None:
    text = normalize_text(piece * (20_000 // len(piece))).text
    started = time.process_time()
    default_scorer().find(text, fold_digits(text))
    assert time.process_time() - started < 3
