"""Run the network for many callers. In: prepared texts. Out: one future each, always answered.

Worker threads share one ONNX session, each call on one core. There is no waiting window: a worker takes the oldest text
and joins at most three queued ones of near length, never more than its share of the queue, because batching buys little
on a CPU and waiting costs latency (docs/speed.md). The queue is bounded in length and in time: who would wait too long
is told so at once. A job whose caller was cancelled is skipped.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from models.network import MOST_JOINED, MOST_PADDED_TOKENS
from models.predictor import Inference, Predictor, PreparedInput
from serving.errors import ServiceError

logger = logging.getLogger("xiaobao.inference")

NEAR_LENGTH = 1.25  # the longest text of a group over the shortest
LOOKED_AHEAD = 16
RETRY_AFTER_SECONDS = 1
FEW = 16
"""So few texts are never too many, however slow the machine is for a moment."""


# What became of a text: the network's view and seconds of waiting, or an error.
Outcome = tuple[Inference, float] | ServiceError


@dataclass(frozen=True, kw_only=True)
class Job:
    item: PreparedInput
    future: asyncio.Future[Outcome]
    loop: asyncio.AbstractEventLoop
    queued_at: float


class InferencePool:
    """`submit` from the event loop; the threads live from `start` to `stop`."""

    def __init__(self, predictor: Predictor, *, workers: int, queue_size: int, queue_seconds: float = 3.0) -> None:
        self._predictor = predictor
        self._queue_size = queue_size
        self._queue_seconds = queue_seconds
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._unanswered = 0
        self._dead = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"inference-{i}", daemon=True) for i in range(workers)
        ]

    @property
    def unanswered(self) -> int:
        """Texts waiting or running."""
        return self._unanswered

    @property
    def is_alive(self) -> bool:
        """False as soon as one worker has died or the pool is stopping."""
        return not self._stopping and all(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        """Warm up with the largest shape, so that memory does not grow later, then start the threads."""
        self._predictor.warm_up()
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Let the workers finish what is queued, then join them."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout)

    def admit(self, number: int, *, waited: float = 0.0) -> None:
        """Raise ServiceError `queue_full` if this many texts do not fit into the queue or would wait too long behind
        others, `waited` seconds included; `not_ready` if nobody works."""
        if not self.is_alive:
            raise ServiceError("not_ready", "the service is not ready; try again", "服务尚未就绪，请稍后重试")
        if self._unanswered + number > self._queue_size:
            raise _queue_full(f"{self._unanswered} texts are waiting or running and at most {self._queue_size} may")
        if self._unanswered >= FEW and (wait := waited + self._longest_wait()) > self._queue_seconds:
            raise _queue_full(f"texts wait for {wait:.1f} s and at most {self._queue_seconds:g} s are wanted")

    def _longest_wait(self) -> float:
        """Seconds that the oldest waiting text has waited."""
        with self._changed:
            return time.perf_counter() - self._jobs[0].queued_at if self._jobs else 0.0

    async def infer(self, items: Sequence[PreparedInput]) -> list[Outcome]:
        """Per text the network's view and the seconds spent waiting, or the error. Call `admit` first."""
        loop = asyncio.get_running_loop()
        now = time.perf_counter()
        jobs = [Job(item=item, future=loop.create_future(), loop=loop, queued_at=now) for item in items]
        self._unanswered += len(jobs)
        try:
            with self._changed:
                self._jobs.extend(jobs)
                self._changed.notify(len(jobs))
            return await asyncio.gather(*(job.future for job in jobs))
        finally:
            self._unanswered -= len(jobs)

    def _work(self) -> None:
        while (group := self._take_group()) is not None:
            started = time.perf_counter()
            try:
                outcomes = self._run(group)
            except BaseException as error:  # not even a worker that dies leaves a caller waiting
                self._die(group, error)
                return
            for job, outcome in zip(group, outcomes, strict=True):
                waited = started - job.queued_at
                _answer(job, (outcome, waited) if isinstance(outcome, Inference) else outcome)

    def _run(self, group: Sequence[Job]) -> Sequence[Inference | ServiceError]:
        """The worker's edge: every caller gets an answer, a bad text fails alone, the worker lives on."""
        try:
            results = self._predictor.infer([job.item for job in group])
            if len(results) == len(group):
                return results
            logger.error("inference gave %d results for %d texts", len(results), len(group))
        except Exception as error:
            logger.error("inference failed: %s", type(error).__name__)  # its message could quote a complaint
        if len(group) > 1:
            return [self._run([job])[0] for job in group]
        return [inference_failed()]

    def _die(self, group: Sequence[Job], error: BaseException) -> None:
        """Answer the worker's own texts, and after the last worker's death those that nobody will take."""
        logger.critical("a worker died: %s", type(error).__name__)
        with self._changed:
            self._dead += 1
            left = list(self._jobs) if self._dead == len(self._threads) else []
            if left:
                self._jobs.clear()
        for job in (*group, *left):
            _answer(job, inference_failed())

    def _take_group(self) -> list[Job] | None:
        """The oldest text and near ones; None when the pool stops and nothing is left."""
        with self._changed:
            while True:
                while not self._jobs:
                    if self._stopping:
                        return None
                    self._changed.wait()
                group = join_near(self._jobs, most=len(self._jobs) // len(self._threads))
                if group:
                    return group


def join_near(jobs: deque[Job], *, most: int = MOST_JOINED) -> list[Job]:
    """Take the oldest job whose caller still waits and some of near length from the first few behind it.

    No worker takes more than its share of what waits (`most`): with two callers one core would do the work of two
    while the other idles, and with eight all answers would be made at once while both cores wait for new texts.
    """
    most = max(1, min(most, MOST_JOINED))
    while jobs and jobs[0].future.cancelled():
        jobs.popleft()
    if not jobs:
        return []
    group = [jobs.popleft()]
    shortest = longest = len(group[0].item.tokens.ids)
    passed: list[Job] = []
    for _ in range(min(LOOKED_AHEAD, len(jobs))):
        if len(group) == most:
            break
        job = jobs.popleft()
        length = len(job.item.tokens.ids)
        low, high = min(shortest, length), max(longest, length)
        if not job.future.cancelled() and high <= low * NEAR_LENGTH and high * (len(group) + 1) <= MOST_PADDED_TOKENS:
            group.append(job)
            shortest, longest = low, high
        else:
            passed.append(job)
    jobs.extendleft(reversed(passed))
    return group


def _queue_full(why: str) -> ServiceError:
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return ServiceError("queue_full", f"{why}; try again", "请求过多，请稍后重试", retry)


def inference_failed() -> ServiceError:
    """The error of a text on which the model or the code around it fails."""
    return ServiceError("inference_failed", "the model failed on this text; try again", "模型处理该文本时出错，请重试")


def _answer(job: Job, outcome: Outcome) -> None:
    def resolve() -> None:
        if not job.future.done():
            job.future.set_result(outcome)

    try:
        job.loop.call_soon_threadsafe(resolve)
    except RuntimeError:
        logger.warning("a caller's event loop was closed before its answer")
