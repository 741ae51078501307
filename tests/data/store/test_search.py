"""Chinese full-text search gives the same on both databases; lists, repeats and near-identical wording."""

from datetime import timedelta

import pytest

from data.errors import StoreError
from data.store.records import CaseFilter, PageKey
from data.store.scope import ROOT
from data.store.sketch import bands, similarity, sketch
from data.store.unit_of_work import Store
from tests.data.store.cases import EAST, MONDAY, TEXT, facets, put, result, told, user_id

TEXTS = {
    "loan": "提前还款被收违约金，客服说要还清款项才能办。",
    "repay": "我要求还款，但是 APP 打不开，点了三次。",
    "credit": "征信上有一条逾期记录，信用卡早就注销了。",
    "crossed": "信征二字写反了，记录在案。",
    "traditional": "帳戶被凍結，還款也還不了。",
    "wide": "ＡＰＰ闪退，Ｐ２Ｐ平台不退钱！",
    "phone": "手机13800138000一直接到推销。",
    "rare": "𠮷野家消费被盗刷😀，100%不是我。",
    "quote": "他说\"保本\"，合同里写 'OR' 和 AND。",
    "spaced": "利 息 算 错 了",
}


SEARCHES: dict[str, set[str]] = {
    "还款": {"repay", "loan", "traditional"},
    "征信": {"credit"},
    "征信记录": set(),
    "逾期记录": {"credit"},
    "记录 征信": {"credit"},
    "记录": {"credit", "crossed"},
    "還款": {"repay", "loan", "traditional"},
    "app": {"repay", "wide"},
    "p2p": {"wide"},
    "手机": {"phone"},
    "手机号": set(),
    "13800138000": set(),
    "𠮷野家": {"rare"},
    "吉野家": set(),
    "卡": {"credit"},
    "刷": {"rare"},
    "了": {"credit", "crossed", "traditional", "spaced", "repay"},
    "100%": {"rare"},
    "%": {"rare"},
    "。": {"loan", "repay", "credit", "crossed", "traditional", "phone", "rare", "quote"},
    '"保本"': {"quote"},
    "'OR'": {"quote"},
    "OR": {"quote"},
    "and NOT": set(),
    "还款*": set(),
    "利息": {"spaced"},
    "违约金，客服": {"loan"},
}


def test_search_finds_the_same_on_both_databases(store: Store) -> None:
    for name, text in TEXTS.items():
        put(store, text, external_id=name)
    with store.reading() as work:
        found = {
            words: {case.external_id for case in work.case_list.page(CaseFilter(words=words), within=ROOT).cases}
            for words in SEARCHES
        }
    assert found == SEARCHES


@pytest.mark.parametrize("words", ["", "  ", "一 二 三 四 五 六 七 八 九", "长" * 101])
def test_a_search_that_makes_no_sense_is_refused(store: Store, words: str) -> None:
    with pytest.raises(StoreError) as caught, store.reading() as work:
        work.case_list.page(CaseFilter(words=words), within=ROOT)
    assert caught.value.code == "query_invalid"


def test_pages_hold_every_case_once_in_order(store: Store) -> None:
    """Also where several were received at the same moment."""
    moments = [MONDAY + timedelta(minutes=minute) for minute in (0, 0, 0, 1, 1, 2, 5)]
    stored = [put(store, received_at=moment) for moment in moments]
    expected = [case.id for case in sorted(stored, key=lambda case: (case.received_at, case.id), reverse=True)]
    found: list[str] = []
    after: PageKey | None = None
    with store.reading() as work:
        while True:
            page = work.case_list.page(CaseFilter(), within=ROOT, limit=2, after=after)
            found += [case.id for case in page.cases]
            after = page.next
            if after is None:
                break
    assert found == expected


def test_filters(store: Store) -> None:
    plain = put(store, source="counter", result=result(flags=(), cause="C01"))
    urgent = put(store, source="12345", received_at=MONDAY + timedelta(days=1))
    handler = user_id(store, "handler-east")
    with store.writing() as work:
        work.assignments.assign(plain.id, user_id=handler, actor_id="x", within=ROOT)
        work.cases.close(plain.id, told(MONDAY), actor_id="x", within=ROOT)
    filters = {
        CaseFilter(status="closed"): plain,
        CaseFilter(source="12345"): urgent,
        CaseFilter(cause="C01"): plain,
        CaseFilter(flag="E07"): urgent,
        CaseFilter(assignee_id=handler): plain,
        CaseFilter(received_from=MONDAY + timedelta(hours=1)): urgent,
        CaseFilter(received_until=MONDAY + timedelta(hours=1)): plain,
        CaseFilter(
            flag="P02", category="B03A", channel="mobile", band="suggest", priority="urgent", below=EAST
        ): urgent,
    }
    with store.reading() as work:
        for wanted, case in filters.items():
            page = work.case_list.page(wanted, within=ROOT)
            assert [found.id for found in page.cases] == [case.id], wanted
        assert work.case_list.page(CaseFilter(flag="S01"), within=ROOT).cases == []
        both = work.case_list.page(CaseFilter(), within=ROOT)
    assert dict(both.flags) == {plain.id: (), urgent.id: facets().flags}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"customer_reference": "K-001"}, {"customer_reference": "k 001"}),
        ({"original": "我的手机是13812345678，扣费了"}, {"original": "一三八 1234 5678 这个手机号老被扣费"}),
        ({"customer_reference": "+86 138-1234-5678"}, {"original": "我的手机13812345678，扣费了"}),
        (
            {"original": "身份证11010119900307002X被冒用"},
            {"original": "身份证号 １１０１０１１９９００３０７００２ｘ，查一下"},
        ),
    ],
)
def test_the_same_customer_is_recognised(store: Store, first: dict[str, str], second: dict[str, str]) -> None:
    one, two, other = put(store, **first), put(store, **second), put(store, "手机13912345678的客户")
    with store.reading() as work:
        assert [case.id for case in work.case_list.of_same_customer(two.id, within=ROOT)] == [one.id]
        assert work.case_list.of_same_customer(other.id, within=ROOT) == []


def test_customers_without_reference_or_number_are_not_lumped_together(store: Store) -> None:
    """A starred number fits many people."""
    cases = [put(store, text) for text in ("利息算错了", "排队太久", "手机138****5678扣费", "手机138****5678投诉")]
    assert {case.customer_key for case in cases} == {None}
    with store.reading() as work:
        assert work.case_list.of_same_customer(cases[0].id, within=ROOT) == []


def test_nearly_the_same_wording_is_found(store: Store) -> None:
    template = (
        "本人要求贵行出具书面答复并提供业务人员工号，全额退还保费及利息，否则将依法向监管部门反映，保留追究权利。"
    )
    first = put(store, template)
    edited = put(store, template.replace("全额", "足额") + "2026年5月6日")
    put(store, TEXT)
    with store.reading() as work:
        [found] = work.case_list.of_similar_wording(first.id, within=ROOT)
        assert work.case_list.of_similar_wording(first.id, within="/head/") != []
    assert found.case.id == edited.id
    assert 0.7 < found.similarity < 1


def test_a_sketch_estimates_the_share_of_common_grams() -> None:
    text = "".join(chr(0x4E00 + 37 * i) for i in range(300))
    half = text[:200] + "".join(chr(0x7000 + 37 * i) for i in range(100))
    first, second = sketch(text), sketch(half)
    assert first is not None
    assert second is not None
    assert len(first) == 256
    assert len(set(bands(first))) == 16
    assert similarity(first, first) == 1
    assert abs(similarity(first, second) - 0.5) < 0.2  # 198 of 398 grams
    assert sketch("你好 123 ！") is None


def test_sketches_of_different_years_can_be_compared() -> None:
    """A change of the constants would make old and new cases strangers."""
    found = sketch("提前还款被收违约金")
    assert found is not None
    assert found[:8].hex() == "c6ad1c1913966c2d"
