"""Something done again and again in a thread. In: steps, a pause. Out: nothing; a step that fails is logged."""

import logging
import threading
from collections.abc import Callable, Sequence

from data.errors import XiaobaoError, place_of

logger = logging.getLogger("xiaobao")

STOP_SECONDS = 2.0
PAUSE_AFTER_FAILURE = 2.0
Step = Callable[[], object]


class Trouble:
    """Logs what fails when it begins and when it is over, not each time: a database can be away for an hour."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._found = ""

    def failed(self, error: Exception) -> None:
        """Logs kind and place; the message of expected errors alone, which never hold a complaint's text."""
        found = f"{type(error).__name__} at {place_of(error)}"
        if found != self._found:
            said = f" ({error.message})" if isinstance(error, XiaobaoError) else ""
            logger.error("%s: %s%s; it is tried again", self._name, found, said)
        self._found = found

    def went_well(self) -> None:
        if self._found:
            logger.info("%s: works again", self._name)
        self._found = ""


class Repeating:
    """Runs the steps one after the other; one that fails keeps no other from being done.

    Those that share an event are all told to stop by the first one that is.
    """

    def __init__(
        self, name: str, steps: Sequence[Step], *, seconds: float, stopping: threading.Event | None = None
    ) -> None:
        self._steps = [(step, Trouble(name)) for step in steps]
        self._seconds = seconds
        self._stopping = stopping or threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns within two seconds unless a step hangs."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            outcomes = [_do(step, trouble) for step, trouble in self._steps]
            self._stopping.wait(self._seconds if all(outcomes) else max(self._seconds, PAUSE_AFTER_FAILURE))


def _do(step: Step, trouble: Trouble) -> bool:
    try:
        step()
    except Exception as error:  # a loop's edge: the database comes back
        trouble.failed(error)
        return False
    trouble.went_well()
    return True
