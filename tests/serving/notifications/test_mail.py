"""Reminders and alerts reach the right people through a real mail server, each once, without a word of complaints."""

from pathlib import Path

import pytest

from data.errors import SettingsError, StoreError
from data.store.letters import LONGEST_WAIT, REST, LetterState
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from serving.clock_rounds import look_at_clocks
from serving.notifications.mail import Mailer
from serving.notifications.rounds import dispatch, measure, notify_alerts
from serving.settings import Settings, load_settings
from serving.telemetry import Telemetry
from tests.data.store.cases import EAST, WEST, Clock, put, result, user_id
from tests.serving.notifications.mailbox import LOGIN, PASSWORD, Mailbox, certificate, mail_server

ADDRESSES = ("handler-east", "supervisor-east", "handler-west", "supervisor-west", "compliance", "auditor")
CALM, URGENT = result(flags=("P02",)), result(flags=("E07",))


def give_addresses(store: Store, *logins: str) -> None:
    with store.writing() as work:
        for login in logins or ADDRESSES:
            user = work.users.by_login(login, within=ROOT)
            work.users.change(user.id, email=f"{login}@bank.example", within=ROOT)


def settings(mailbox: Mailbox, **more: object) -> Settings:
    values = {
        "smtp_host": "127.0.0.1", "smtp_port": mailbox.port, "smtp_security": "none",
        "smtp_sender": "xiaobao@bank.example", "console_url": "https://xiaobao.bank.example/console",
    }  # fmt: skip
    return Settings(**(values | more))  # type: ignore[arg-type]


def send(store: Store, mailbox: Mailbox, **more: object) -> None:
    dispatch(store, by_mail=True)
    Mailer(lambda: store, settings(mailbox, **more), Telemetry()).send_due()


def state(store: Store) -> LetterState:
    with store.reading() as work:
        return work.letters.state()


def test_a_reminder_goes_to_who_works_on_it_and_at_the_end_to_the_supervisor(store: Store, clock: Clock) -> None:
    give_addresses(store)
    case = put(store, "张三的房贷被多扣了", result=CALM)
    with store.writing() as work:
        work.assignments.assign(case.id, user_id=user_id(store, "handler-east"), actor_id="t", within=EAST)
    with mail_server() as mailbox:
        clock.advance(days=8)
        look_at_clocks(store)
        send(store, mailbox)
        assert mailbox.to == ["handler-east@bank.example"]
        clock.advance(days=8)
        look_at_clocks(store)
        send(store, mailbox)
        send(store, mailbox)
        assert mailbox.to == ["handler-east@bank.example"] * 2 + ["supervisor-east@bank.example"]
    letter = mailbox.letters[-1]
    assert letter["Subject"] == f"【消保督办】案件 {case.id} 已超期"
    assert f"https://xiaobao.bank.example/console/cases/{case.id}" in letter.get_content()
    assert "2026-12-16 周三 00:00" in letter.get_content()
    assert not any(word in mailbox.letters[0].as_string() + letter.get_content() for word in ("房贷", "张三"))


def test_an_alert_climbs_to_whoever_can_be_reached(store: Store, clock: Clock) -> None:
    give_addresses(store, "supervisor-east", "supervisor-west", "compliance")
    put(store, result=URGENT)
    with mail_server() as mailbox:
        notify_alerts(store)
        send(store, mailbox)
        assert mailbox.to == ["supervisor-east@bank.example"]  # the handler has no address
        clock.advance(minutes=21)
        notify_alerts(store)
        send(store, mailbox)
        assert mailbox.to.count("compliance@bank.example") == 1
        assert "supervisor-west@bank.example" not in mailbox.to
    assert "E07" in mailbox.letters[0]["Subject"]


def test_without_a_mail_server_nothing_piles_up(store: Store) -> None:
    give_addresses(store)
    put(store, result=URGENT)
    notify_alerts(store)
    dispatch(store)
    assert state(store) == LetterState(waiting=0, dead=0)


def test_a_message_may_name_its_readers(store: Store) -> None:
    give_addresses(store)
    to = [user_id(store, login) for login in ("auditor", "handler-west", "engineer")]
    with store.writing() as work:
        work.outbox.put("alert.notice", {"to": to}, key="1")
    with mail_server() as mailbox:
        send(store, mailbox)
    assert mailbox.letters == []  # it has nothing that a notice needs …
    assert state(store) == LetterState(waiting=0, dead=2)  # … and the engineer has no address


@pytest.mark.parametrize(
    "address", ["lin@bank..cn", "lin@bank.cn.", "lin.@bank.cn", "l..n@bank.cn", f"{65 * 'l'}@bank.cn"]
)
def test_an_address_that_no_letter_can_bear_is_refused(store: Store, address: str) -> None:
    with store.writing() as work, pytest.raises(StoreError, match="e-mail address"):
        work.users.change(user_id(store, "auditor"), email=address, within=ROOT)


def test_one_letter_that_cannot_be_written_holds_up_no_other(store: Store) -> None:
    give_addresses(store, "supervisor-east")
    with store.writing() as work:  # as an earlier version took it
        work.users.by_login("handler-east", within=ROOT).email = "handler@bank..example"
    put(store, result=URGENT)
    notify_alerts(store)
    with mail_server() as mailbox:
        send(store, mailbox)
        assert mailbox.to == ["supervisor-east@bank.example"]
    assert state(store) == LetterState(waiting=0, dead=1)


def test_no_batch_is_begun_once_the_service_stops(store: Store) -> None:
    give_addresses(store)
    put(store, result=URGENT)
    notify_alerts(store)
    dispatch(store, by_mail=True)
    with mail_server() as mailbox:
        Mailer(lambda: store, settings(mailbox), Telemetry(), is_stopping=lambda: True).send_due()
    assert mailbox.letters == []


def test_a_refused_letter_is_tried_again_or_given_up_as_the_server_says(store: Store, clock: Clock) -> None:
    give_addresses(store)
    put(store, result=URGENT)
    notify_alerts(store)
    with mail_server() as mailbox:
        mailbox.answers = {
            "handler-east@bank.example": "550 no such mailbox", "supervisor-east@bank.example": "451 later",
        }  # fmt: skip
        send(store, mailbox)
        assert (mailbox.letters, state(store)) == ([], LetterState(waiting=1, dead=1))
        mailbox.answers = {}
        send(store, mailbox)
        assert mailbox.letters == []
        clock.advance(seconds=6)
        send(store, mailbox)
        assert mailbox.to == ["supervisor-east@bank.example"]
    telemetry = Telemetry()
    measure(store, telemetry)
    assert telemetry.registry.get_sample_value("xiaobao_mails_dead") == 1


def test_dead_letters_are_listed_sent_again_or_forgotten_and_then_the_alert_ends(store: Store) -> None:
    give_addresses(store)
    put(store, result=URGENT)
    notify_alerts(store)
    with mail_server() as mailbox:
        mailbox.answers = {"handler-east@bank.example": "550 no", "supervisor-east@bank.example": "550 no"}
        send(store, mailbox)
        with store.reading() as work:
            dead = [(letter.login, letter.kind, letter.status) for letter in work.letters.dead(within=EAST)]
            assert work.letters.dead(within=WEST) == []
        assert dead == [("handler-east", "alert.notice", "550"), ("supervisor-east", "alert.notice", "550")]
        with store.writing() as work:
            assert work.letters.resend(within=WEST) == 0
            assert work.letters.resend(within=EAST) == 2
        assert state(store) == LetterState(waiting=2, dead=0)
        mailbox.answers = {"handler-east@bank.example": "550 no"}
        send(store, mailbox)
        assert (mailbox.to, state(store)) == (["supervisor-east@bank.example"], LetterState(waiting=0, dead=1))
    with store.writing() as work:
        assert (work.letters.forget(within=WEST), work.letters.forget(within=EAST)) == (0, 1)
    assert state(store) == LetterState(waiting=0, dead=0)


def test_who_has_no_address_any_more_leaves_no_dead_letter(store: Store) -> None:
    give_addresses(store, "handler-east")
    put(store, result=URGENT)
    notify_alerts(store)
    dispatch(store, by_mail=True)
    with store.writing() as work:
        work.users.change(user_id(store, "handler-east"), email="", within=ROOT)
    with mail_server() as mailbox:
        send(store, mailbox)
    assert (mailbox.letters, state(store)) == ([], LetterState(waiting=0, dead=0))


def test_letters_wait_for_a_server_that_is_away_but_not_for_ever(store: Store, clock: Clock) -> None:
    give_addresses(store, "handler-east")
    put(store, result=URGENT)
    notify_alerts(store)
    with mail_server() as mailbox:
        pass
    for _ in range(10):
        send(store, mailbox)
        clock.advance(seconds=REST.total_seconds() + 1)
    assert state(store) == LetterState(waiting=1, dead=0)
    clock.advance(seconds=LONGEST_WAIT.total_seconds())
    send(store, mailbox)
    assert state(store) == LetterState(waiting=0, dead=1)


def test_the_password_goes_through_tls_or_not_at_all(
    store: Store, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_addresses(store, "handler-east")
    put(store, result=URGENT)
    notify_alerts(store)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    safe = {"smtp_security": "starttls", "smtp_login": LOGIN, "smtp_password_file": tmp_path / "password"}
    with mail_server() as plain:
        send(store, plain, **safe)
        assert plain.letters == []  # it offers no TLS
    context, authority = certificate(tmp_path)
    with mail_server(tls=context) as mailbox:
        clock.advance(minutes=2)
        send(store, mailbox, **safe)
        assert mailbox.letters == []  # nobody knows its certificate
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        clock.advance(minutes=2)
        send(store, mailbox, **safe)
        assert mailbox.to == ["handler-east@bank.example"]


def test_half_a_mail_server_is_refused_at_start(tmp_path: Path) -> None:
    def refused(match: str, **values: object) -> None:
        with pytest.raises(SettingsError, match=match):
            load_settings(environment="development", smtp_host="mail.bank.example", **values)

    refused("XIAOBAO_SMTP_SENDER")
    refused("PASSWORD_FILE, a file", smtp_sender="x@bank.example", smtp_login="x")
    refused("in clear", smtp_sender="x@bank.example", smtp_login="x", smtp_security="none")
    refused("cannot be read", smtp_sender="x@bank.example", smtp_login="x", smtp_password_file=tmp_path / "none")


def test_what_is_no_address_is_refused(store: Store) -> None:
    for address in ("nobody", "a b@bank.example", "a@bank.example\nBcc: x@y.example", "王@bank.example"):
        with store.writing() as work, pytest.raises(StoreError, match="e-mail"):
            work.users.change(user_id(store, "auditor"), email=address, within=ROOT)
