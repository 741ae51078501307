"""Words that must not be missed, and the same words where they mean nothing."""

import pytest

from data.preparation import prepare_text
from data.schema import LabelledText
from data.taxonomy import Taxonomy
from eval.rules import evaluate_rules
from models.rules import MOST_HITS, by_flag, default_rules

RAISED = [
    ("E01", "再不解决我就从你们楼上跳下去"), ("E01", "我真的不想活了"), ("E01", "被你们逼得想自杀"),
    ("E01", "大不了同归于尽"), ("E01", "再不退钱我就死在你们营业厅"), ("E01", "他说活不下去了，要喝农药"),
    ("E01", "係咪要我跳樓先肯處理"),
    ("E02", "我们三十多个人一起去你们行里讨说法"), ("E02", "已建维权群，共计五十六户"),
    ("E02", "我们小区二十几户联名投诉"), ("E02", "我们七个人都被扣了"),
    ("E07", "信用卡被盗刷8600元"), ("E07", "我被骗子骗走了三万"), ("E07", "卡在我身上，钱却被人取走了"),
    ("E07", "刚刚转账给对方就被拉黑了"), ("E07", "客服让我共享屏幕，结果钱没了"), ("E07", "请马上帮我止付"),
    ("E09", "催收说要卸我一条腿"), ("E09", "催收上门踹门泼油漆"), ("E09", "他们威胁要打我儿子"),
    ("E09", "说放学路上小心点"),
    ("P02", "刚办完贷款第二天就有人打电话来，报得出我的姓名和金额"), ("P02", "你们把我的信息泄露给了中介"),
    ("P07", "我名下多出一张从没办过的卡"), ("P07", "有人冒用我的身份证贷款"),
    ("P07", "征信上显示有笔贷款逾期，我从来没有借过"),
    ("S01", "存三年定期，回家一看是保险"), ("S01", "存款变成了保险"), ("S01", "我要存定期，柜员给我办成了理财"),
]  # fmt: skip
# negated, asked, imagined, quoted from the bank, printed on a notice, told of somebody else, mere words
NOT_RAISED = [
    "我没有被骗", "不是要跳楼", "并非被盗刷", "没人威胁我", "我的信息没有泄露", "卡不是被盗的，是我自己取的",
    "我没有要自杀",
    "会不会被骗", "存款会不会变成保险", "怎么防止被骗", "是不是盗刷",
    "如果被盗刷怎么办", "万一信息泄露了呢", "要是哪天被骗了找谁",
    "客服说我可能被骗了", "打12378那是客服说的", "柜员问“是不是被骗了”", "客服:您被骗了吗 客户:没有",
    "谨防诈骗", "请警惕电信诈骗", "如不满可向12378反映", "短信提示防范被骗",
    "邻居的卡被盗刷了", "隔壁老王跳楼了", "听说有人存款变保险",
    "跳楼价甩卖", "小心地滑", "联名信用卡年费太高", "我在镇上吊顶", "跳楼机好玩",
]  # fmt: skip


def _flags(text: str, taxonomy: Taxonomy) -> set[str]:
    return {hit.flag for hit in default_rules().find(prepare_text(text, taxonomy).model_text)}


@pytest.mark.parametrize(("flag", "text"), RAISED)
def test_raised(flag: str, text: str, taxonomy: Taxonomy) -> None:
    assert flag in _flags(text, taxonomy)


@pytest.mark.parametrize("text", NOT_RAISED)
def test_not_raised(text: str, taxonomy: Taxonomy) -> None:
    assert _flags(text, taxonomy) == set()


def test_a_hit_is_its_clause_without_the_mark(taxonomy: Taxonomy) -> None:
    text = prepare_text("等了半个月。再拖我就从你们楼上跳下去！请回电。", taxonomy).model_text
    [hit] = default_rules().find(text)
    assert (hit.flag, text[hit.start : hit.end]) == ("E01", "再拖我就从你们楼上跳下去")


def test_a_hit_in_dictation_is_short(taxonomy: Taxonomy) -> None:
    text = prepare_text("那个我说一下啊" * 20 + "我真的不想活了" + "然后你们也不管" * 20, taxonomy).model_text
    [hit] = default_rules().find(text)
    assert "不想活" in text[hit.start : hit.end]
    assert hit.end - hit.start < 80


def test_a_text_about_no_bank_raises_only_what_concerns_life() -> None:
    hits = default_rules().find("我不想活了,钱都被骗走了")
    assert set(by_flag(hits, is_irrelevant=False)) == {"E01", "E07"}
    assert set(by_flag(hits, is_irrelevant=True)) == {"E01"}


def test_a_letter_of_one_word_gives_few_hits() -> None:
    assert len(default_rules().find("盗刷" * 10_000 + "我不想活了")) <= MOST_HITS + 1


def test_every_entry_belongs_to_the_taxonomy(taxonomy: Taxonomy) -> None:
    assert set(default_rules().flags) <= {flag.code for flag in taxonomy.flags}


def test_evaluation_counts_right_wrong_and_missed(taxonomy: Taxonomy) -> None:
    def text(id: str, words: str, *flags: str) -> LabelledText:
        return LabelledText(
            id=id, text=words, order_type="complaint", category="B03A", leaf="B03A.05", cause="C10",
            subcause="C10.1", channel="unknown", flags=flags, voice="first_person", input="typed",
            names_product=True, scenario=id, writer="t",
        )  # fmt: skip

    texts = [text("1", "卡被盗刷了", "E07"), text("2", "卡被盗刷了"), text("3", "钱不对", "E07")]
    assert evaluate_rules(texts, taxonomy=taxonomy)["E07"] == {"precision": 0.5, "recall": 0.5, "raised": 2, "n": 2}
