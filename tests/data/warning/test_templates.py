"""The same letter from many hands: proposed by shared parts of sketches, confirmed by rapidfuzz."""

from data.store.sketch import bands, sketch
from data.warning.templates import Template, find_templates

LETTER = (
    "委托代理人{name}现就信用卡协商分期事宜投诉，要求贵行按照银行业监督管理办法停息挂账并出具书面答复，"
    "否则将逐级举报，直至向监管部门反映，请在三日内联系{name}处理，电话{number}。"
)
OTHERS = (
    "我母亲七十八岁，去网点存定期，客户经理说这个产品保本保息，回家才发现是保险，要五年才能取。",
    "在你们手机银行还房贷，系统扣了两次款，客服说三天退，现在一周了没有退，问了四次都让等。",
    "柜台排队两个小时，只开一个窗口，大堂经理态度恶劣，说嫌慢就去别家。",
)


def find(texts: dict[str, str], customers: dict[str, str | None] | None = None) -> list[Template]:
    shared: dict[int, list[str]] = {}
    for case_id, text in texts.items():
        sketched = sketch(text)
        assert sketched is not None
        for band in bands(sketched):
            shared.setdefault(band, []).append(case_id)
    known = {case_id: f"K{case_id}" for case_id in texts} if customers is None else customers
    return find_templates(texts, [ids for ids in shared.values() if len(ids) > 1], known)


def letters(count: int) -> dict[str, str]:
    names = ["李某", "王某", "欧阳某", "张某", "赵某", "钱某", "孙某"]
    return {f"c{n}": LETTER.format(name=names[n % 7], number=1380013800 + n) for n in range(count)}


def test_letters_with_other_names_and_numbers_are_one_template() -> None:
    texts = letters(7) | {f"o{n}": text for n, text in enumerate(OTHERS)}
    [template] = find(texts)
    assert template.cases == tuple(f"c{n}" for n in range(7))
    assert template.customers == 7


def test_four_letters_or_one_customer_are_none() -> None:
    assert find(letters(4)) == []
    assert find(letters(7), dict.fromkeys(letters(7), "K1")) == []
    assert len(find(letters(7), {})) == 1  # nobody is known: each is a customer of its own


def test_what_only_shares_words_is_no_template() -> None:
    texts = {f"c{n}": OTHERS[n % 3].replace("周", f"周第{'一二三四五六'[n]}次", 1) for n in range(6)}
    assert find(texts) == []


def test_a_thousand_letters_are_one_template() -> None:
    [template] = find(letters(1000))
    assert len(template.cases) == 1000
