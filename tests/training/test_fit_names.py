"""Names are learned from their surroundings, and the shipped weights keep what they were fitted for."""

import numpy as np
import pytest

from data.redaction.name_scorer import NameLexicon, NameScorer, candidates, default_scorer
from data.redaction.names import find_names
from training.fit_name_network import fit_network
from training.fit_names import Marked, NameMaker, examples, fit, marked, pair_levels, threshold_for, with_other_names

LEXICON = NameLexicon(
    surnames=frozenset({"王", "欧阳", "高"}),
    given=frozenset("芳明丽"),
    everyday=frozenset("明"),
    pair_levels={"高利": 3},
    words={"高利贷": 2},
    odds={"芳": (1, 3)},
)
TAUGHT = [
    marked(f"{before}{name}{after}", [name])
    for before in ("客户", "柜员")
    for name in ("王芳", "高丽", "欧阳明丽")
    for after in ("称", "说")
]
TAUGHT += [marked(text, []) for text in ("借了高利贷", "收到高利息", "王府井", "高利贷公司称")]


def _names(text: str) -> list[str]:
    spans = list(find_names(text, text))
    outer = [s for s in spans if not any(o is not s and o.start <= s.start and s.end <= o.end for o in spans)]
    return sorted(text[span.start : span.end] for span in outer)


def test_candidates_are_surnames_with_one_or_two_characters() -> None:
    found = [("欧阳明丽a"[c.start : c.end], c.middle - c.start) for c in candidates("欧阳明丽a", LEXICON)]
    assert found == [("欧阳明", 2), ("欧阳明丽", 2)]


def test_other_names_change_nothing_else() -> None:
    item = marked("客户王芳称其母高丽已到", ["王芳", "高丽"])
    other = with_other_names(item, NameMaker(LEXICON, "王", seed=1))
    names = [other.text[start:end] for start, end in sorted(other.names)]
    assert other.text == f"客户{names[0]}称其母{names[1]}已到"
    assert names != ["王芳", "高丽"]


def test_pairs_within_names_are_not_counted() -> None:
    texts = [Marked(text="高利贷高利贷高利贷王芳王芳王芳", names=frozenset({(9, 11), (11, 13), (13, 15)}))]
    assert set(pair_levels(texts)) == {"高利", "利贷"}


def test_a_fit_tells_names_from_words_by_what_stands_around() -> None:
    total = examples(TAUGHT[0], LEXICON)
    for item in TAUGHT[1:]:
        total = total + examples(item, LEXICON)
    scorer = NameScorer(lexicon=LEXICON, weights=fit(total), threshold=0.0)
    assert scorer.find("柜员王明说") == [(2, 4)]
    assert scorer.find("还了高利贷") == []


def test_the_network_learns_from_the_characters_around() -> None:
    total = examples(TAUGHT[0], LEXICON)
    for item in TAUGHT[1:]:
        total = total + examples(item, LEXICON)
    network = fit_network(total.windows * 40, total.labels * 40, total.weights * 40)
    scores, labels = network.scores(total.windows), np.array(total.labels)
    assert scores[labels].min() > scores[~labels].max()


def test_threshold_is_the_lowest_that_gives_the_precision() -> None:
    scores, labels = np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, True, False, True])
    assert threshold_for(0.75, scores, labels) == 1.0
    assert threshold_for(0.9, scores, labels) == 3.0


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("客户陈晓梅来电,称柜员罗立群拒绝办理。", ["罗立群", "陈晓梅"]),
        ("我叫阿依古丽·买买提,从喀什来", ["阿依古丽·买买提"]),
        ("户名:王 芳 ,卡丢了", ["王 芳"]),
        ("收款人拼音是LIN XIAOTONG", ["LIN XIAOTONG"]),
        ("转给苗建军两万,苗建军当天失联", ["苗建军", "苗建军"]),
        ("王经理和李女士都说没有办法,高利贷也来催", []),
        ("方便的话请安排专人处理,金额不大", []),
    ],
)
def test_shipped_weights(text: str, names: list[str]) -> None:
    assert _names(text) == names


def test_shipped_weights_stay_small() -> None:
    assert len(default_scorer().weights) < 60_000
