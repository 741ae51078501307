"""An open store with an organisation on both databases, and a receiver."""

from collections.abc import Iterator

import pytest

from tests.serving.notifications.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened
