"""What is logged, and how. In: `XIAOBAO_LOG_FORMAT`. Out: lines on standard error, as text or as JSON objects.

JSON lines hold time (UTC), level, logger and message, of an error its class and place. No line of either kind holds a
complaint: messages are written without, and of an exception JSON keeps neither message nor traceback.
"""

import logging
import os
from types import TracebackType

from data.errors import place_of

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure_logging(log_format: str | None = None) -> None:
    """For a whole process; by default as the environment says."""
    if (log_format or os.environ.get("XIAOBAO_LOG_FORMAT")) != "json":
        logging.basicConfig(level=logging.INFO, format=FORMAT)
        return
    handler = logging.StreamHandler()
    handler.setFormatter(json_formatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def json_formatter() -> logging.Formatter:
    """One JSON object a line; what is given as `extra` stands in it as keys of its own."""
    from pythonjsonlogger.json import JsonFormatter

    class WithoutText(JsonFormatter):
        def formatException(self, ei: ExceptionInfo) -> str:
            error = ei[1]
            return "" if error is None else f"{type(error).__name__} at {place_of(error)}"

    names = {"levelname": "level", "name": "logger", "exc_info": "error"}
    return WithoutText(
        "{levelname}{name}{message}", style="{", rename_fields=names, timestamp="time", json_ensure_ascii=False
    )
