"""Several matters in one complaint are told apart where the text does so itself."""

import pytest

from data.preparation import prepare_text
from data.schema import LabelledText
from data.taxonomy import Taxonomy
from eval.issues import joined_complaints
from models.issues import MOST_SEGMENTS, Matter, merge_matters, paragraph_starts, split_segments
from models.predictor import Predictor

CARD = "信用卡被盗刷了8600元,卡一直在我身上,短信显示境外消费,打了几次客服都没有人处理"
APP = "手机银行一打开就闪退,更新了也登录不上去,重装了三遍还是一样,客服叫我换手机"
LOAN = "房贷想提前还款,预约排到三个月以后,还说系统没有名额,每天都在多付利息"


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        (f"{CARD}。另外{APP}。", [CARD, "另外"]),
        (f"{CARD}。还有一件事,{APP}。", [CARD, "还有一件事"]),
        (f"第一,{CARD}。第二,{APP}。", ["第一", "第二"]),
        (f"1、{CARD};2、{APP};3、{LOAN}", ["1、", "2、", "3、"]),
        (f"先说一句。一、{CARD}。二、{APP}。", ["先说一句", "二、"]),
        (f"{CARD}。此外,{APP}。再一个,{LOAN}。", [CARD, "此外", "再一个"]),
        (f"那个{CARD.replace(',', '')}另外还有{APP.replace(',', '')}", ["那个", "另外还有"]),
    ],
)
def test_segments(text: str, starts: list[str]) -> None:
    segments = split_segments(text)
    assert [text[start:end].startswith(words) for (start, end), words in zip(segments, starts, strict=True)] == [
        True for _ in starts
    ]
    assert (segments[0][0], segments[-1][1]) == (0, len(text))


@pytest.mark.parametrize(
    "text",
    [
        "卡被盗刷。另外闪退。",
        f"{CARD},{APP},{LOAN}。",
        f"{CARD}。要求:一、全额退还被盗刷的钱;二、书面说明为什么没有人处理;三、赔礼道歉。",
        f"{CARD},第二次去还是没有人,第三次说系统坏了,里面还有六千多块钱。",
        f"{CARD}。1.5万元的额度,2.3万的账单。",
    ],
)
def test_one_matter_is_not_cut(text: str) -> None:
    assert split_segments(text) == []


def test_segments_are_few() -> None:
    text = "".join(f"{i}、{CARD}。" for i in range(1, 7)) * 3
    assert len(split_segments(text)) == MOST_SEGMENTS


def test_blank_lines_part_matters(taxonomy: Taxonomy) -> None:
    original = f"{CARD}。\n\n{APP}。"
    prepared = prepare_text(original, taxonomy)
    [start] = paragraph_starts(original, prepared)
    assert prepared.model_text[start:].startswith(APP[:6])
    assert len(split_segments(prepared.model_text, [start])) == 2
    letter = "\n\n".join([CARD] * 6)
    assert paragraph_starts(letter, prepare_text(letter, taxonomy)) == []


def test_neighbours_of_one_leaf_and_cause_are_one_matter() -> None:
    def matter(start: int, leaf: str, cause: str) -> Matter:
        return Matter(start=start, end=start + 10, category=leaf.split(".")[0], leaf=leaf, cause=cause)

    same = [matter(0, "B02.1", "C03"), matter(10, "B02.1", "C03")]
    assert merge_matters(same) == []
    merged = merge_matters([*same, matter(20, "B03A.1", "C03")])
    assert [(m.start, m.end, m.leaf) for m in merged] == [(0, 20, "B02.1"), (20, 30, "B03A.1")]
    assert merge_matters([matter(0, "B02.1", "C03"), matter(10, "B02.2", "C03")]) == []


def test_two_matters_are_reported_in_the_original(shipped_predictor: Predictor) -> None:
    text = f"帳戶的事：{CARD}，電話13800138000。\n另外，{APP}。"
    answer = shipped_predictor.triage([text])[0]
    assert [issue.category for issue in answer.issues] == ["B03B", "B99"]
    first, second = answer.issues
    assert "盗刷" in text[first.start : first.end]
    assert text[second.start : second.end].startswith("另外")
    assert answer.redacted_text[first.redacted_start : first.redacted_end].endswith("〔手机号〕")
    assert "13800138000" not in answer.model_dump_json()


def test_one_matter_and_no_complaint_have_no_issues(shipped_predictor: Predictor) -> None:
    question = (
        "请问一下,房贷提前还款要带什么材料去柜台办理呢?"
        "另外,手机银行上面能不能直接预约,需要提前几天预约才可以?谢谢您的回答"
    )
    for answer in shipped_predictor.triage([f"{CARD}。", question]):
        assert answer.issues == []


def test_joined_complaints_have_two_categories_and_repeat(taxonomy: Taxonomy) -> None:
    def text(id: str, category: str) -> LabelledText:
        return LabelledText(
            id=id, text="没人接电话", order_type="complaint", category=category, leaf=f"{category}.01", cause="C01",
            subcause="C01.1", channel="unknown", voice="first_person", input="typed", names_product=True,
            scenario=id, writer="t",
        )  # fmt: skip

    texts = [text("1", "B02"), text("2", "B12"), text("3", "B02")]
    joined = joined_complaints(texts, pairs=5, seed=1)
    assert all(categories == {"B02", "B12"} for _, categories in joined)
    assert joined == joined_complaints(texts, pairs=5, seed=1)
