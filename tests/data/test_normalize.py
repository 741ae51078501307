"""One normal form, every character with its place in the original."""

import itertools
import random

import pytest

from data.normalize import normalize_text


@pytest.mark.parametrize(
    ("original", "normal"),
    [
        ("信用卡被盗刷", "信用卡被盗刷"),
        ("ＡＴＭ　吞卡！", "ATM 吞卡!"),
        ("身分證", "身份证"),
        ("帳戶被凍結，簡訊沒收到", "账户被冻结,短信没收到"),
        ("信用咭", "信用卡"),
        ("第1️⃣次", "第1次"),
        ("零\u200b宽\u202e字符", "零宽字符"),
        ("  首尾  空格\n\n换行\t制表 ", "首尾 空格 换行 制表 "),
        ("e\u0301", "é"),
        ("㎡ ①", "m2 1"),
        ("𠮷野家", "𠮷野家"),
        ("\ud800坏", "坏"),
        ("", ""),
        ("\u0000\u200b", ""),
    ],
)
def test_normal_form(original: str, normal: str) -> None:
    assert normalize_text(original).text == normal


def test_spans_point_to_the_original() -> None:
    original = "我的身分證　１２３…帳戶"
    result = normalize_text(original)
    start = result.text.index("账户")
    assert original[slice(*result.to_original(start, start + 2))] == "帳戶"
    start = result.text.index("123")
    assert original[slice(*result.to_original(start, start + 3))] == "１２３"


def test_offsets_are_in_order_and_inside_for_random_text() -> None:
    generator = random.Random(5)
    alphabet = "我你銀行帳戶簡訊身分證信用咭 \n\tａ１é\u0301①㎡\u200b😀1️⃣ﬁ…𠮷"
    for _ in range(500):
        original = "".join(generator.choices(alphabet, k=generator.randint(0, 40)))
        result = normalize_text(original)
        spans = list(zip(result.starts, result.ends, strict=True))
        assert len(spans) == len(result.text)
        assert all(0 <= start < end <= len(original) for start, end in spans)
        assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in itertools.pairwise(spans))


def test_normal_form_is_stable() -> None:
    once = normalize_text("帳戶 ＡＢＣ 身分證 ①").text
    assert normalize_text(once).text == once
