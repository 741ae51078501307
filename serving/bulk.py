"""Many texts on all cores. In: windows of prepared texts. Out: their answers as JSON, window by window, in order.

Threads share one session. Each takes a group of texts of near length, runs the network (which lets the other threads
run) and makes the answers. While a window is being run the caller prepares the next one: never more than
`MOST_WAITING` windows are held.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from models.predictor import Predictor, PreparedInput

MOST_WAITING = 2
# Larger groups gain nothing on a CPU and take memory (measured in the performance notes).
MOST_JOINED = 4
MOST_PADDED_TOKENS = 512

Group = list[int]
"""Indices into a window."""


def triage_windows(
    predictor: Predictor, windows: Iterable[Sequence[PreparedInput]], *, workers: int
) -> Iterator[list[bytes]]:
    """Answers of each window, in the order of its texts. An error of the network ends it."""
    waiting: deque[tuple[int, list[tuple[Group, Future[list[bytes]]]]]] = deque()
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


def near_lengths(lengths: Sequence[int]) -> list[Group]:
    """Indices in groups of near length, longest first, so that no core is left with the longest at the end."""
    groups: list[Group] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        group = groups[-1] if groups else []
        if group and len(group) < MOST_JOINED and longest * (len(group) + 1) <= MOST_PADDED_TOKENS:
            group.append(index)
        else:
            groups.append([index])
            longest = lengths[index]
    return groups


def _triage_group(predictor: Predictor, items: Sequence[PreparedInput]) -> list[bytes]:
    return [
        predictor.answer(item, inference).model_dump_json().encode()
        for item, inference in zip(items, predictor.infer(items), strict=True)
    ]


def _in_order(size: int, groups: Sequence[tuple[Group, Future[list[bytes]]]]) -> list[bytes]:
    answers = [b""] * size
    for group, future in groups:
        for index, answer in zip(group, future.result(), strict=True):
            answers[index] = answer
    return answers
