"""What is done again and again survives failures and does not fill the log with them."""

import logging
import threading

import pytest

from serving.notifications.repeating import Repeating, Trouble


def test_a_step_that_fails_keeps_no_other_from_being_done() -> None:
    done = threading.Event()

    def fail() -> None:
        raise RuntimeError("王丽")

    running = Repeating("test", [fail, done.set], seconds=60)
    running.start()
    assert done.wait(5)
    running.stop()


def test_a_failure_is_logged_once_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "xiaobao")
    trouble = Trouble("test")
    for _ in range(3):
        trouble.failed(RuntimeError("王丽"))
    trouble.went_well()
    trouble.went_well()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "王丽" not in caplog.text


def test_those_that_share_an_event_stop_together() -> None:
    stopping, ended = threading.Event(), threading.Event()
    first = Repeating("first", [lambda: None], seconds=60, stopping=stopping)
    second = Repeating("second", [lambda: stopping.wait(60) and ended.set()], seconds=60, stopping=stopping)
    first.start()
    second.start()
    first.stop()
    assert ended.wait(5)
    second.stop()
