"""A chain learns where addresses begin and end, and the shipped weights keep what they were fitted for."""

import random
from itertools import pairwise

import numpy as np
import pytest

from data.redaction.address_tagger import (
    FIRST,
    INNER,
    LAST,
    OUTSIDE,
    STEPS,
    AddressLexicon,
    AddressTagger,
    default_tagger,
    features,
    from_json,
    spans,
    to_json,
    windows,
)
from data.redaction.addresses import find_addresses
from training.chain import LabelledRun, _likelihood, _Material, fit_chain
from training.fit_addresses import count, marked, read_places, runs, with_other_addresses

LEXICON = AddressLexicon(places={"杭州": "C", "西湖": "D"}, pair_levels={"寄到": 3, "住在": 3})
ADDRESSES = ("文三路18号", "西湖区青桐苑3幢", "莲花街7号", "白鹭巷9号2室")
TAUGHT = [
    marked(before + address + after, [address])
    for before in ("卡寄到", "我住在杭州", "本人住在", "账单寄到杭州")
    for address in ADDRESSES
    for after in (",没收到", "的房子", "")
]
TAUGHT += [
    marked(text, []) for text in ("我住在杭州", "打了12号柜台的电话", "走到街上", "寄到我的邮箱", "西湖区支行的柜员")
]


def _tagger() -> AddressTagger:
    found = [run for item in TAUGHT for run in runs(item, LEXICON, weight=1.0)]
    chain = fit_chain(found, fewest=1, penalty=0.1, rounds=40)
    return AddressTagger(
        lexicon=LEXICON,
        weights={name: tuple(row.tolist()) for name, row in chain.features.items()},
        steps=[float(chain.steps[pair]) for pair in STEPS],
        entry=0.0,
    )


def test_a_chain_finds_addresses_it_has_not_seen() -> None:
    tagger = _tagger()
    for text, address in (("信寄到杭州白桐街3号,退回", "白桐街3号"), ("家人住在莲桐巷12号", "莲桐巷12号")):
        assert [text[slice(*span)] for span in tagger.find(text)] == [address]
    assert list(tagger.find("打了3号柜台的电话")) == []


def test_the_slope_is_that_of_the_likelihood() -> None:
    """Checked against differences at a random point."""
    rows = [["a", "b"], ["b"], ["c", "a"]]
    found = [
        LabelledRun(rows=rows, labels=[OUTSIDE, FIRST, LAST], weight=2.0),
        LabelledRun(rows=rows[:2], labels=[OUTSIDE, OUTSIDE], weight=0.5),
    ]
    material = _Material(found, fewest=1)
    draw = np.random.default_rng(1)
    weights, steps = draw.normal(size=(3, 4)), draw.normal(size=(4, 4))
    here, slope, step_slope = _likelihood(material, weights, steps)
    for place in ((0, 1), (2, 3), (1, 0)):
        moved = weights.copy()
        moved[place] += 1e-6
        assert (_likelihood(material, moved, steps)[0] - here) / 1e-6 == pytest.approx(slope[place], abs=1e-4)
    for place in STEPS:
        moved = steps.copy()
        moved[place] += 1e-6
        assert (_likelihood(material, weights, moved)[0] - here) / 1e-6 == pytest.approx(step_slope[place], abs=1e-4)


def test_labels_found_are_the_likeliest() -> None:
    """Against all sequences, tried one by one."""
    tagger = _tagger()
    draw = random.Random(3)
    allowed = set(STEPS)
    for _ in range(20):
        emissions = [(draw.gauss(0, 2), draw.gauss(0, 2), draw.gauss(0, 2), draw.gauss(0, 2)) for _ in range(5)]
        best = max(
            (
                sequence
                for sequence in np.ndindex(4, 4, 4, 4, 4)
                if sequence[0] in (OUTSIDE, FIRST) and all(pair in allowed for pair in pairwise(sequence))
            ),
            key=lambda sequence: (
                sum(emissions[p][label] for p, label in enumerate(sequence))
                + sum(tagger.steps[STEPS.index(pair)] for pair in pairwise(sequence))
            ),
        )
        assert tagger._best_labels(emissions) == list(best)


def test_spans_follow_the_labels() -> None:
    labels = [OUTSIDE, FIRST, INNER, LAST, FIRST, LAST, OUTSIDE, FIRST, INNER]
    assert list(spans(labels, 10)) == [(11, 14), (14, 16), (17, 19)]


def test_windows_lie_apart_and_hold_what_surrounds_a_trigger() -> None:
    text = "甲" * 100 + "文三路18号" + "乙" * 100 + "二楼"
    found = list(windows(text))
    assert [text[start:end].count("路") for start, end in found] == [1, 0]
    assert all(first[1] < second[0] for first, second in pairwise(found))
    assert list(windows("年费没有退")) == []


def test_there_are_features_for_each_character_of_a_window() -> None:
    text = "寄到文三路18号"
    rows = list(features(text, (0, len(text)), LEXICON))
    assert len(rows) == len(text)
    assert all(len(row) == len(set(row)) == len(rows[0]) for row in rows)
    assert rows[5] == next(features(text, (5, 6), LEXICON))


def test_a_tagger_outlives_its_file() -> None:
    tagger = _tagger()
    again = from_json(to_json(tagger), LEXICON.pair_levels)
    assert again.lexicon == LEXICON
    assert list(again.find(TAUGHT[0].text)) == list(tagger.find(TAUGHT[0].text))


def test_other_addresses_change_nothing_else() -> None:
    item = marked("寄到文三路18号,不是莲花街7号。", ["文三路18号", "莲花街7号"])
    other = with_other_addresses(item, ["甲弄2号"], random.Random(1))
    assert other.text == "寄到甲弄2号,不是甲弄2号。"
    assert [other.text[slice(*span)] for span in other.addresses] == ["甲弄2号"] * 2


def test_an_address_counts_when_four_fifths_are_found() -> None:
    class Fixed:
        def find(self, text: str) -> list[tuple[int, int]]:
            return [(2, 6), (9, 11)]

    case = marked("寄到文三路18号,谢谢", ["文三路18号"])
    counts = count(Fixed(), [case])
    assert (counts.found, counts.addresses, counts.right, counts.spans) == (0, 1, 1, 2)


def test_places_are_told_apart() -> None:
    places = read_places()
    assert {places[name] for name in ("杭州", "昆山", "新疆", "香港")} == {"C"}
    assert {places[name] for name in ("徐汇", "思明", "双江")} == {"D"}
    assert "直辖" not in "".join(places)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("我家住杭州市西湖区文三路18号3幢402室,账单没有寄到。", ["西湖区文三路18号3幢402室"]),
        ("老家在贺兰县金贵镇银河村四组,信寄不到", ["贺兰县金贵镇银河村四组"]),
        ("卡寄到云澜苑7栋1单元1502了", ["云澜苑7栋1单元1502"]),
        ("在中山路支行办的卡,大堂经理说去城东支行", []),
        ("从南京市到上海市都能用,为什么这张卡里的钱转不出去", []),
        ("知道你们楼层高,柜台在二楼,号也取了", []),
    ],
)
def test_shipped_weights(text: str, addresses: list[str]) -> None:
    assert [text[span.start : span.end] for span in find_addresses(text, text)] == addresses


def test_shipped_weights_stay_small() -> None:
    assert len(default_tagger().weights) < 20_000
