"""The weekly letter: each unit its own part, once, numbers and names of the taxonomy alone."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from data.errors import StoreError
from data.store.notification_tables import OutboxMessage
from data.store.outbox import DIGEST
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from data.store.warning_tables import EarlyWarning
from serving.notifications.letters import letter_text
from serving.warning import digest
from serving.warning.digest import monday_before, send_digests, send_on_mondays
from serving.warning.rounds import look_for_warnings
from tests.data.store.cases import Clock, user_id
from tests.serving.warning.conftest import put_rows
from tests.serving.warning.test_rounds import COUNTER, various

MONDAY = date(2026, 11, 23)


def give_addresses(store: Store, *logins: str) -> None:
    for login in logins:
        person = user_id(store, login)
        with store.writing() as work:
            work.users.change(person, email=f"{login}@bank.example", within=ROOT)


def test_each_unit_gets_its_own_week_once(quiet: Store, clock: Clock) -> None:
    put_rows(quiet, 24, unit_id="east-1", text=various, **COUNTER)
    look_for_warnings(quiet)
    with quiet.writing() as work:  # as if it had been raised on Sunday, so that it is one of the week
        work.session.execute(update(EarlyWarning).values(raised_at=clock.now - timedelta(hours=15)))
    give_addresses(quiet, "supervisor-east", "supervisor-west", "compliance", "handler-east")
    assert [send_digests(quiet, MONDAY) for _ in range(2)] == [3, 0]
    with quiet.reading() as work:
        told = work.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == DIGEST))
        found = {message.key.rpartition("/")[2]: message.payload for message in told}
    assert {unit: (one["received"], one["received_before"], one["raised"], one["open"], one["unseen"])
            for unit, one in found.items()} == {
        "east": (31, 7, 1, 1, 1), "head": (38, 14, 1, 1, 1), "west": (7, 7, 0, 0, 0),
    }  # fmt: skip
    assert found["east"]["to"] == [user_id(quiet, "supervisor-east")]
    text = letter_text(DIGEST, found["east"], console_url="https://bank.example/console")
    assert text.subject == "消保预警周报 2026-11-23 至 2026-11-29：1 条处理中"
    assert "受理投诉 31 件（上周 7 件）" in text.body
    assert "【重大】群体投诉 假币鉴定与收缴、息费与条件未说明：7 天 24 件（平常 0.1 件），本周新增" in text.body
    assert "https://bank.example/console/warnings" in text.body
    west = letter_text(DIGEST, found["west"], console_url=None)
    assert "无处理中预警" in west.subject
    assert "假币" not in west.body


def test_the_service_writes_it_on_monday_morning(quiet: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    give_addresses(quiet, "compliance")
    clock.advance(hours=-5)  # five in China
    assert send_on_mondays(quiet) == 0
    clock.advance(hours=1)
    assert send_on_mondays(quiet) == 1
    with monkeypatch.context() as patch:
        patch.setattr(digest, "digest_of", lambda *_: 1 / 0)
        assert send_on_mondays(quiet) == 0  # nothing is counted again
    clock.advance(days=1)
    assert send_on_mondays(quiet) == 0
    assert monday_before(date(2026, 11, 30)) == monday_before(date(2026, 12, 6)) == MONDAY


def test_a_week_that_is_not_over_and_one_that_begins_on_another_day_are_refused(quiet: Store) -> None:
    give_addresses(quiet, "compliance")
    for day in (date(2026, 11, 30), date(2026, 11, 24)):
        with pytest.raises(StoreError) as error:
            send_digests(quiet, day)
        assert error.value.code == "week_invalid"
    assert send_digests(quiet, MONDAY) == 1
