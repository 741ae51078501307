"""Many texts on all cores. In: windows of prepared texts. Out: their answers as JSON, window by window, in order.

Threads share one session. Each takes a group of texts of near length, runs the network (which lets the other threads
run) and makes the answers. While a window is being run the caller prepares the next one: never more than
`MOST_WAITING` windows are held. A text that fails is told as a `Failure` in its place and fails alone.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from models.network import near_lengths
from models.predictor import Inference, Predictor, PreparedInput

MOST_WAITING = 2

Group = list[int]
"""Indices into a window."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The network or the answer failed on a text: the error's class, not its message, which could quote the text."""

    kind: str


Outcome = bytes | Failure
Running = tuple[Group, Future[list[Outcome]]]


def triage_windows(
    predictor: Predictor, windows: Iterable[Sequence[PreparedInput]], *, workers: int
) -> Iterator[list[Outcome]]:
    """Answers of each window, in the order of its texts, a failure in place of an answer that could not be made."""
    waiting: deque[tuple[int, list[Running]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="bulk") as threads:
        try:
            for window in windows:
                groups = [
                    (group, threads.submit(_triage_group, predictor, [window[i] for i in group]))
                    for group in near_lengths([len(item.tokens.ids) for item in window])
                ]
                waiting.append((len(window), groups))
                if len(waiting) == MOST_WAITING:
                    yield _in_order(*waiting.popleft())
            while waiting:
                yield _in_order(*waiting.popleft())
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


def infer_each(predictor: Predictor, items: Sequence[PreparedInput]) -> list[Inference | Failure]:
    """Run a group; where it fails, its texts run one by one, so that a bad one fails alone."""
    try:
        return [inference for _, inference in zip(items, predictor.infer(items), strict=True)]
    except Exception as error:
        if len(items) > 1:
            return [outcome for item in items for outcome in infer_each(predictor, [item])]
        return [Failure(kind=type(error).__name__)]


def _triage_group(predictor: Predictor, items: Sequence[PreparedInput]) -> list[Outcome]:
    return [_answer(predictor, *pair) for pair in zip(items, infer_each(predictor, items), strict=True)]


def _answer(predictor: Predictor, item: PreparedInput, inference: Inference | Failure) -> Outcome:
    if isinstance(inference, Failure):
        return inference
    try:
        return predictor.answer(item, inference).model_dump_json().encode()
    except Exception as error:
        return Failure(kind=type(error).__name__)


def _in_order(size: int, groups: Sequence[Running]) -> list[Outcome]:
    outcomes: list[Outcome] = [b""] * size
    for group, future in groups:
        for index, outcome in zip(group, future.result(), strict=True):
            outcomes[index] = outcome
    return outcomes
