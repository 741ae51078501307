"""The network sees what stands around a candidate, and is the same after it was written and read."""

from pathlib import Path

import numpy as np

from data.redaction.name_network import NOTHING, SPECIAL, WINDOW, NameNetwork, window
from data.redaction.name_scorer import default_scorer


def _network() -> NameNetwork:
    draw = np.random.default_rng(7)

    def array(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return draw.normal(size=shape).astype(np.float32)

    characters = "".join(SPECIAL) + "王芳客户称"
    return NameNetwork(
        characters=characters, vectors=array(len(characters), 8), hidden=array(WINDOW * 8, 4), bias=array(4),
        out=array(4), out_bias=0.25,
    )  # fmt: skip


def test_a_window_has_places_for_two_characters_of_each_part() -> None:
    text = "客户王芳称13"
    seen = window(text, 2, 3, 4)
    assert seen == NOTHING * 4 + "客户" + "王" + NOTHING + "芳" + NOTHING + "称00" + NOTHING * 3
    assert len(window("欧阳明丽", 0, 2, 4)) == WINDOW


def test_what_is_not_known_is_told_apart_as_han_or_other() -> None:
    network = _network()
    assert network.rows(NOTHING + "鑫x王") == [0, 1, 2, 3]


def test_scores_do_not_depend_on_what_is_asked_together() -> None:
    network = _network()
    windows = [window("客户王芳称" * 3, place, place + 1, place + 2) for place in range(11)]
    together = network.scores(windows)
    assert together.shape == (11,)
    np.testing.assert_allclose(together, [network.scores([each])[0] for each in windows], rtol=1e-5)


def test_it_is_nearly_the_same_after_it_was_written(tmp_path: Path) -> None:
    network = _network()
    network.save(tmp_path / "network.npz")
    read = NameNetwork.load(tmp_path / "network.npz")
    windows = [window("客户王芳称", place, place + 1, place + 2) for place in range(4)]
    assert read.characters == network.characters
    np.testing.assert_allclose(read.scores(windows), network.scores(windows), atol=0.2)


def test_the_shipped_one_knows_a_name_from_a_word() -> None:
    network = default_scorer().network
    assert network is not None
    name, word = network.scores([window("我叫周海燕,卡丢了", 2, 3, 5), window("请问周末几点开门", 2, 3, 5)])
    assert name > word
