"""Everything that tells, as one thing to start and stop. In: a store. Out: threads until the stop.

alerts, audit head, reminders ── outbox ── dispatch ─┬─ event streams (serving.api.events)
                                                     ├─ deliveries ── webhooks
                                                     └─ letters ── the bank's mail server
"""

import threading
from collections.abc import Callable
from functools import partial

from data.store.unit_of_work import Store
from serving.clock_rounds import look_at_clocks
from serving.notifications import rounds
from serving.notifications.delivery import DeliveryWorker
from serving.notifications.mail import Mailer
from serving.notifications.repeating import Repeating
from serving.quality_rounds import draw_for_quality
from serving.settings import Settings
from serving.telemetry import Telemetry
from serving.warning.digest import send_on_mondays
from serving.warning.rounds import look_in_the_morning

ROUND_SECONDS = 0.5
MEASURE_SECONDS = 15.0
CLOCK_SECONDS = 20.0
WARNING_SECONDS = 300.0
MAIL_SECONDS = 2.0
QUALITY_SECONDS = 600.0


class Notifications:
    """`get_store` may fail while the database is away; the work goes on when it is back."""

    def __init__(self, get_store: Callable[[], Store], settings: Settings, telemetry: Telemetry) -> None:
        stopping = threading.Event()
        repeating = partial(Repeating, stopping=stopping)
        self._workers: list[Repeating | DeliveryWorker] = [
            repeating(
                "alerts and outbox",
                [
                    lambda: rounds.notify_alerts(get_store()),
                    lambda: rounds.note_audit_head(get_store()),
                    lambda: rounds.dispatch(get_store(), by_mail=settings.sends_mail),
                ],
                seconds=ROUND_SECONDS,
            ),
            repeating("clocks", [lambda: look_at_clocks(get_store())], seconds=CLOCK_SECONDS),
            repeating(
                "quality draw",
                [lambda: draw_for_quality(get_store(), settings.quality_share)],
                seconds=QUALITY_SECONDS,
            ),
            repeating("early warning", [lambda: look_in_the_morning(get_store())], seconds=WARNING_SECONDS),
            repeating("outbox metrics", [lambda: rounds.measure(get_store(), telemetry)], seconds=MEASURE_SECONDS),
            DeliveryWorker(get_store, settings, telemetry, stopping=stopping),
        ]
        if settings.sends_mail:
            mailer = Mailer(get_store, settings, telemetry, is_stopping=stopping.is_set)
            self._workers += [
                repeating("weekly digest", [lambda: send_on_mondays(get_store())], seconds=WARNING_SECONDS),
                repeating("mail", [mailer.send_due], seconds=MAIL_SECONDS),
            ]

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """All are told at once; each is waited for two seconds at most."""
        for worker in self._workers:
            worker.stop()
