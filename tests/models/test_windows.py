"""Letters of many pages: nothing is left out, nothing changes for short texts."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from models.bundle import Bundle
from models.calibration import Probabilities, calibrate
from models.evidence import Clause
from models.label_space import LabelSpace
from models.predictor import Predictor
from models.runtimes.onnx_runtime import OnnxRuntime
from models.windows import (
    FIRST_WINDOW_WEIGHT,
    MOST_WINDOWS,
    OVERLAP_PIECES,
    WINDOW_PIECES,
    Window,
    pool_windows,
    split_windows,
    stitch_evidence,
)

# A letter that goes on about an ordinary matter, and sentences that must not be missed in it.
FILLER = "我在贵行办理转账业务，柜台让我回去等通知，过了几天再问，还是说系统正在处理，请耐心等待。"
DEEP = "再没有人管，我就从你们楼上跳下去。"
STORY = (
    "三月初我去网点开了一张借记卡，柜员问得很细，填了两张表，前后等了四十分钟。"
    "后来单位换了发工资的银行，这张卡就一直放在家里没有用。五月份手机银行登录不上，提示要更新。"
    "我去柜台问，工作人员说是系统升级，让我过两天再来。过了一个星期我又去，换了个人，说要带户口本。"
    "我家离网点有十几里路，来回要坐两趟车，一上午就过去了。第三次去总算办好了，可是短信提醒还是收不到。"
    "打电话问客服，排队排了半个小时，接通以后说帮我登记。我不是要为难谁，只是想把事情一次办完。"
)
DEEP_PRIVACY = (
    "催收天天打电话给我爸妈和单位同事，把我欠信用卡的事全说出去了。他们先打给我丈母娘，说我欠了三万八不还，又打到车间主任那里，"
    "让主任转告我还钱，第二天全厂都知道了。我从来没有把同事的号码给过银行，他们说是查通讯录查到的。我跟催收讲过不要再打给别人，"
    "他说打到你还钱为止，当晚又打给我表哥和我女儿的班主任，女儿在学校抬不起头。"
)


def _clauses(number_of_pieces: int, length: int) -> list[Clause]:
    return [
        Clause(start=first, end=first + length, first=first, last=first + length)
        for first in range(1, number_of_pieces - 1, length)
    ]


@pytest.mark.parametrize("pieces", [2, 100, 511, 512])
def test_what_the_model_reads_whole_has_no_windows(pieces: int) -> None:
    assert split_windows(pieces, _clauses(pieces, 10), max_tokens=512) == ()


@pytest.mark.parametrize("pieces", [513, 700, 1000, 3000, 4500])
@pytest.mark.parametrize("length", [7, 30, 5000])
def test_windows_cover_every_piece_and_overlap(pieces: int, length: int) -> None:
    windows = split_windows(pieces, _clauses(pieces, length), max_tokens=512)
    assert (windows[0].first, windows[-1].last) == (1, pieces - 1)
    assert all(window.last - window.first + 2 <= WINDOW_PIECES for window in windows)
    for window, following in pairwise(windows):
        assert 0 < window.last - following.first <= OVERLAP_PIECES


def test_windows_begin_and_end_between_clauses() -> None:
    edges = {clause.first for clause in _clauses(2000, 13)}
    windows = split_windows(2000, _clauses(2000, 13), max_tokens=512)
    assert {window.first for window in windows} <= edges
    assert {window.last for window in windows[:-1]} <= edges


def test_windows_are_bounded() -> None:
    windows = split_windows(20_000, _clauses(20_000, 10), max_tokens=512)
    assert len(windows) == MOST_WINDOWS


def test_pooling(tiny_bundle: Bundle) -> None:
    labels, windows = tiny_bundle.labels, (Window(first=1, last=201), Window(first=151, last=351))
    first, second = _view(labels, 0), _view(labels, 1)
    pooled = pool_windows([first, second], windows, labels)
    assert pooled.order_type.sum() == pytest.approx(1, abs=1e-5)
    assert pooled.category.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(pooled.flags, np.maximum(first.flags, second.flags))
    np.testing.assert_array_equal(pooled.causes, np.maximum(first.causes, second.causes))
    weights = np.array([FIRST_WINDOW_WEIGHT, 1.0]) / (FIRST_WINDOW_WEIGHT + 1)
    mean = np.exp(weights[0] * np.log(first.leaf[0]) + weights[1] * np.log(second.leaf[0]))
    np.testing.assert_allclose(pooled.leaf[0], mean / mean.sum(), atol=1e-4)


def test_evidence_comes_from_the_window_where_a_piece_stands_farther_inside(tiny_bundle: Bundle) -> None:
    windows, view = (Window(first=1, last=11), Window(first=7, last=15)), _view(tiny_bundle.labels, 0)
    scores = _flat_scores(windows, tiny_bundle.labels)
    stitched = stitch_evidence(scores, [view, view], windows, number_of_pieces=16)
    np.testing.assert_allclose(stitched[:, 0], [0, *[1] * 8, *[2] * 6, 0], rtol=1e-4)


def test_evidence_counts_as_much_as_the_label_holds_in_the_window(tiny_bundle: Bundle) -> None:
    windows, labels = (Window(first=1, last=11), Window(first=7, last=15)), tiny_bundle.labels
    surely, hardly = _view(labels, 0), _view(labels, 0)
    hardly.flags[0] *= 0.1
    stitched = stitch_evidence(_flat_scores(windows, labels), [surely, hardly], windows, number_of_pieces=16)
    assert (stitched[1, 0], stitched[14, 0]) == (pytest.approx(1, rel=1e-4), pytest.approx(0.2, rel=1e-4))


def test_a_text_of_one_window_is_scored_as_before(tiny_predictor: Predictor) -> None:
    item = tiny_predictor.prepare((FILLER * 7)[:300])
    [inference] = tiny_predictor.infer([item])
    bundle = tiny_predictor.bundle
    logits = OnnxRuntime(bundle.model_file).run([item.tokens.ids])
    expected = calibrate(
        {name: values for name, values in logits.items() if name != "evidence"}, bundle.calibration, bundle.labels
    )
    np.testing.assert_array_equal(inference.probabilities.leaf[inference.row], expected.leaf[0])
    np.testing.assert_array_equal(inference.probabilities.flags[inference.row], expected.flags[0])


@pytest.mark.parametrize("length", [2000, 5000, 10_000])
@pytest.mark.parametrize("where", [0.3, 0.97])
def test_a_threat_deep_in_a_letter_is_raised_by_rule(tiny_predictor: Predictor, length: int, where: float) -> None:
    at = int(length * where) // len(FILLER)
    text = FILLER * at + DEEP + FILLER * (length // len(FILLER) - at)
    answer = tiny_predictor.triage([text])[0]
    [flag] = [flag for flag in answer.flags if flag.code == "E01"]
    assert "rule" in flag.source
    assert any(DEEP[6:-1] in text[piece.start : piece.end] for piece in flag.evidence)
    assert answer.decision.priority == "urgent"


@pytest.mark.parametrize("length", [2000, 3500, 5500])
def test_privacy_deep_in_a_letter_is_raised_by_the_model(shipped_predictor: Predictor, length: int) -> None:
    before = STORY * (length // len(STORY))
    answer = shipped_predictor.triage([before + DEEP_PRIVACY + STORY])[0]
    assert not answer.truncated
    [flag] = [flag for flag in answer.flags if flag.code == "P06"]
    assert flag.source == "model"
    # Shown in the window that raised it, not on the first page.
    assert all(piece.start > len(before) - 600 for piece in flag.evidence)


def test_letters_and_short_texts_run_together(tiny_predictor: Predictor) -> None:
    items = [tiny_predictor.prepare(text) for text in ("你好", FILLER * 40, "没人接电话", FILLER * 20)]
    inferences = tiny_predictor.infer(items)
    assert [len(inference.evidence) for inference in inferences] == [len(item.tokens.ids) for item in items]
    for item, inference in zip(items, inferences, strict=True):
        assert tiny_predictor.answer(item, inference).truncated is False


def _flat_scores(windows: tuple[Window, ...], labels: LabelSpace) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    """1 for every piece of the first window, 2 for every piece of the second."""
    return [
        np.full((window.last - window.first + 2, len(labels.evidence)), number, dtype=np.float32)
        for number, window in enumerate(windows, 1)
    ]


def _view(labels: LabelSpace, seed: int) -> Probabilities:
    draw = np.random.default_rng(seed)

    def row(number: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        values = draw.random((1, number), dtype=np.float32)
        return np.asarray(values / values.sum(), dtype=np.float32)

    return Probabilities(
        order_type=row(len(labels.order_type)), category=row(len(labels.category)), leaf=row(len(labels.leaf)),
        cause=row(len(labels.cause)), subcause=row(len(labels.subcause)), channel=row(len(labels.channel)),
        causes=row(len(labels.cause)), flags=row(len(labels.flags)),
    )  # fmt: skip
