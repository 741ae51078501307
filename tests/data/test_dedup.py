"""Near-identical wording is found and kept in one split."""

from pathlib import Path

from data.dedup import close_pairs, duplicate_groups
from data.schema import LabelledText
from data.splits import assign_splits, draw_split, read_splits, write_splits

TEMPLATE = "本人要求贵行出具书面答复并提供业务人员工号，全额退还保费及利息，否则将依法向监管部门反映，保留追究权利。"
TEXTS = {
    "a": TEMPLATE,
    "b": TEMPLATE.replace("全额", "足额") + "2023年5月6日",
    "c": "自动取款机吞了我的卡，打客服说三个工作日，我等着买菜",
    "d": "理财亏了两万，经理说稳赚的",
}


def _text(key: str, writer: str = "w1") -> LabelledText:
    return LabelledText(
        id=key, text=TEXTS[key], order_type="feedback", category="B01", leaf="B01.01", cause=None, subcause=None,
        channel="unknown", voice="letter", input="typed", names_product=False, scenario=f"s-{key}", writer=writer,
    )  # fmt: skip


def test_edited_template_is_the_only_close_pair() -> None:
    pairs = close_pairs(TEXTS)
    assert [(pair.first, pair.second) for pair in pairs] == [("a", "b")]
    assert pairs[0].similarity > 90


def test_groups_join_duplicates_and_scenarios() -> None:
    names = {"a": "s1", "b": "s2", "c": "s3", "d": "s3"}
    groups = duplicate_groups(TEXTS, names)
    assert groups["a"] == groups["b"]
    assert groups["c"] == groups["d"]
    assert groups["a"] != groups["c"]


def test_new_text_joins_its_groups_split_and_old_ones_stay() -> None:
    groups = {"a": "g", "b": "g", "c": "h", "d": "i"}
    fixed = {"a": "test", "c": "dev"}
    splits = assign_splits([_text(key) for key in TEXTS], groups, fixed)
    assert (splits["a"], splits["b"], splits["c"]) == ("test", "test", "dev")
    assert splits["d"] == draw_split("i")


def test_held_out_writers_go_to_their_own_split() -> None:
    splits = assign_splits([_text("c", "w9"), _text("d")], {"c": "h", "d": "i"}, {}, frozenset({"w9"}))
    assert splits["c"] == "test_writer"
    assert splits["d"] != "test_writer"


def test_shares_are_about_right() -> None:
    drawn = [draw_split(f"group {i}") for i in range(5000)]
    assert 0.77 < drawn.count("train") / 5000 < 0.83
    assert 0.08 < drawn.count("calibration") / 5000 < 0.12
    assert "test" not in drawn


def test_written_splits_are_read_again(tmp_path: Path) -> None:
    file = tmp_path / "splits.tsv"
    write_splits({"b": "test", "a": "train"}, file)
    assert read_splits(file) == {"a": "train", "b": "test"}
