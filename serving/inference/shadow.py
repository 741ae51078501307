"""A candidate reads along. In: texts with the answers given. Out: how often it disagrees, by field; no text is kept.

One thread behind a short queue takes a share of the traffic, off the path of the requests, and gives way to them. What
does not fit is dropped and counted. The candidate's answers go nowhere.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from models.answer import FacetAnswer, TriageAnswer
from models.predictor import Predictor
from serving.telemetry import Telemetry

logger = logging.getLogger("xiaobao.inference")

MOST_WAITING = 64
MOST_GIVEN_WAY_SECONDS = 1.0
FACETS = ("order_type", "category", "leaf", "cause", "subcause", "channel")
FIELDS = (*FACETS, "flags P", "flags S", "flags E", "flags X", "band", "priority")


class ShadowReader:
    """`offer` from anywhere; the thread lives from `start` to `stop`."""

    def __init__(
        self, predictor: Predictor, *, share: float, telemetry: Telemetry, is_busy: Callable[[], bool] = lambda: False
    ) -> None:
        self.name = predictor.bundle.folder.name
        self.share = share
        self._predictor = predictor
        self._telemetry = telemetry
        self._is_busy = is_busy
        self._waiting: deque[tuple[str, TriageAnswer]] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._dice = random.Random()
        self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What waits is forgotten."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def offer(self, text: str, answer: TriageAnswer) -> None:
        """Take a text with the answer that was given, if it falls into the share."""
        if self._dice.random() >= self.share:
            return
        with self._changed:
            if len(self._waiting) >= MOST_WAITING:
                self._count("dropped")
                return
            self._waiting.append((text, answer))
            self._changed.notify()

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            self._give_way()
            try:
                self._compare(*taken)
            except Exception as error:  # the thread's edge; a message could quote the text
                logger.error("the shadow model failed on a text: %s", type(error).__name__)
                self._count("failed")

    def _take(self) -> tuple[str, TriageAnswer] | None:
        with self._changed:
            while not self._waiting:
                if self._stopping:
                    return None
                self._changed.wait()
            return None if self._stopping else self._waiting.popleft()

    def _give_way(self) -> None:
        until = time.monotonic() + MOST_GIVEN_WAY_SECONDS
        while self._is_busy() and time.monotonic() < until and not self._stopping:
            time.sleep(0.005)

    def _compare(self, text: str, answer: TriageAnswer) -> None:
        own = self._predictor.triage([text])[0]
        for name in disagreements(own, answer):
            self._telemetry.shadow_disagreements.labels(self.name, name).inc()
        self._count("compared")

    def _count(self, outcome: str) -> None:
        self._telemetry.shadow_texts.labels(self.name, outcome).inc()


def disagreements(one: TriageAnswer, other: TriageAnswer) -> Iterator[str]:
    """The fields in which two answers differ."""
    for facet in FACETS:
        if _code(getattr(one, facet)) != _code(getattr(other, facet)):
            yield facet
    for group in "PSEX":
        flags = [{flag.code for flag in answer.flags if flag.group == group} for answer in (one, other)]
        if flags[0] != flags[1]:
            yield f"flags {group}"
    if one.decision.band != other.decision.band:
        yield "band"
    if one.decision.priority != other.decision.priority:
        yield "priority"


def _code(value: FacetAnswer | None) -> str | None:
    return value.code if value else None
