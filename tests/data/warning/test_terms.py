"""Rising terms: what the leaves explain is silent, what is new is told once and in its longest form."""

from data.warning.terms import Said, find_rising, terms_of

FEES = "信用卡年费说好首年免，今年扣了三百六十元，要求退还年费。"
LOANS = "提前还房贷收了违约金，客服每次说法不一样，要求退还。"
NEW = "〔姓名1〕反映积分商城的海豚礼遇卡无法兑换，{}，要求处理。"
DETAILS = ("客服不知道", "页面打不开", "店员说停了", "换了三次", "昨天还能用", "显示过期", "短信没到", "电话没人接")


def said(text: str, count: int, leaf: str, prefix: str) -> list[Said]:
    return [Said(case_id=f"{prefix}{n}", leaf=leaf, customer=f"{prefix}K{n}", text=text) for n in range(count)]


BEFORE = said(FEES, 100, "B03B.02", "f") + said(LOANS, 100, "B02.01", "l")


def new(count: int = 8, customer: str | None = None) -> list[Said]:
    return [
        Said(case_id=f"n{n}", leaf="B03B.99", customer=customer or f"K{n}", text=NEW.format(DETAILS[n % 8]))
        for n in range(count)
    ]


def test_a_new_word_is_told_once_and_whole() -> None:
    found = find_rising(said(FEES, 12, "B03B.02", "a") + new(), BEFORE)
    terms = [term.term for term in found]
    assert any("海豚礼遇卡" in term for term in terms), terms
    assert len(terms) == 1
    assert (len(found[0].cases), found[0].customers) == (8, 8)
    assert found[0].expected < found[0].limit <= 8


def test_a_leaf_that_doubles_explains_its_words() -> None:
    assert find_rising(said(FEES, 60, "B03B.02", "a") + said(LOANS, 10, "B02.01", "b"), BEFORE) == []


def test_one_customer_or_few_cases_tell_no_word() -> None:
    """So that no name of one person is told."""
    assert find_rising(new(customer="K"), BEFORE) == []
    assert find_rising(new(5), BEFORE) == []
    assert find_rising(new(), []) == []


def test_placeholders_digits_and_punctuation_are_no_terms() -> None:
    found = terms_of("〔姓名1〕说ETC扣费，123元。")
    assert found == {"ETC", "扣费"}
