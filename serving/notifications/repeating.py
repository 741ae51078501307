"""Something done again and again in a thread. In: steps, a pause. Out: nothing; a step that fails is logged."""

import logging
import threading
from collections.abc import Callable, Sequence

from data.errors import place_of

logger = logging.getLogger("xiaobao")

STOP_SECONDS = 2.0
Step = Callable[[], object]


class Repeating:
    """Runs the steps one after the other; one that fails keeps no other from being done."""

    def __init__(self, name: str, steps: Sequence[Step], *, seconds: float) -> None:
        self._name = name
        self._steps = steps
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns within two seconds unless a step hangs."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            for step in self._steps:
                self._do(step)
            self._stopping.wait(self._seconds)

    def _do(self, step: Step) -> None:
        try:
            step()
        except Exception as error:  # a loop's edge: the database comes back
            logger.error("%s: %s at %s; it goes on", self._name, type(error).__name__, place_of(error))
