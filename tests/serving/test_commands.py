"""Commands on the store: what they do, whom the audit log names, what they print, what they refuse."""

import getpass
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from data.store.scope import ROOT
from data.store.unit_of_work import Store, open_store
from serving.cli import main
from serving.commands.organisation import user_group
from tests.data.store.cases import build_organisation, master_key, masters, put, user_id

PASSWORD = "correct horse battery"
KEY = ("key", "create", "--name", "热线", "--source", "hotline", "--unit", "east", "--scope", "triage")


@pytest.fixture
def bank(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Store]:
    """A store whose place and keys stand in the environment, as for the service; there is no API token."""
    for name in ("ENVIRONMENT", "API_TOKEN", "STORE", "MASTER_KEYS_FILE", "DATA_FOLDER"):
        monkeypatch.delenv(f"XIAOBAO_{name}", raising=False)
    monkeypatch.setenv("XIAOBAO_DATABASE_URL", url)
    monkeypatch.setenv("XIAOBAO_MASTER_KEYS", master_key("2026a"))
    monkeypatch.chdir(tmp_path)
    store = open_store(url, masters("2026a"))
    build_organisation(store)
    yield store
    store.close()


def run(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=given)


def well(*arguments: str, given: str = "") -> str:
    result = run(*arguments, given=given)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def last_entry(store: Store) -> tuple[str, str, str]:
    with store.reading() as work:
        [entry] = work.audit.entries(within=ROOT, limit=1)
    return entry.action, entry.actor_id, entry.subject


def test_migrating_names_the_revision(bank: Store) -> None:
    assert "revision 0" in well("store", "migrate")


def test_checking_counts_and_finds_a_missing_key(bank: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bank)
    assert "no damage found" in well("store", "check")
    monkeypatch.setenv("XIAOBAO_MASTER_KEYS", master_key("2026b"))
    refused = run("store", "check")
    assert refused.exit_code == 1
    assert "2026a" in refused.stderr


def test_rotating_wraps_every_key_anew(bank: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bank)
    monkeypatch.setenv("XIAOBAO_MASTER_KEYS", f"{master_key('2026b')},{master_key('2026a')}")
    assert well("store", "rotate").startswith("2 keys")
    monkeypatch.setenv("XIAOBAO_MASTER_KEYS", master_key("2026b"))
    assert "master key 2026b (current): 2 keys" in well("store", "check")


def test_purging_keeps_three_years(bank: Store) -> None:
    put(bank)
    assert well("store", "purge", "--years", "3").startswith("0 cases")
    refused = run("store", "purge", "--years", "2")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)


def test_a_backup_is_put_back_and_postgresql_has_its_own_tool(bank: Store, url: str, tmp_path: Path) -> None:
    case_id = put(bank).id
    copy = str(tmp_path / "copy.db")
    result = run("store", "backup", copy)
    if not url.startswith("sqlite"):
        assert result.exit_code == 1
        assert "pg_dump" in result.stderr
        assert "pg_restore" in run("store", "restore", copy).stderr
        return
    assert result.exit_code == 0
    well("erase", case_id, "--reason", "客户要求")
    assert run("store", "restore", copy).exit_code == 1  # it holds data
    well("store", "restore", copy, "--overwrite")
    with bank.reading() as work:
        assert work.cases.get(case_id, within=ROOT).redacted_text


def test_erasing_wants_a_reason_and_is_audited(bank: Store) -> None:
    case_id = put(bank).id
    assert run("erase", case_id).exit_code == 2
    assert run("erase", case_id, "--reason", "要").exit_code == 1
    assert run("erase", "20261130-00000000", "--reason", "客户要求").exit_code == 1
    well("erase", case_id, "--reason", "客户要求")
    assert last_entry(bank) == ("case.erased", f"cli:{getpass.getuser()}", case_id)


def test_damage_of_the_audit_log_is_located(bank: Store) -> None:
    for _ in range(3):
        well("user", "password", "admin", given=f"{PASSWORD}\n")
    noted = well("audit", "head")
    assert noted.startswith("3:")
    assert "3 entries" in well("audit", "verify", "--head", noted)
    with bank.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER audit_no_update"))
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE audit SET actor_id = 'x' WHERE seq = 2"))
    damaged = run("audit", "verify")
    assert (damaged.exit_code, damaged.stderr) == (
        1, "DAMAGED at 2: this entry was edited or is not in its place\n",
    )  # fmt: skip
    assert "DAMAGED at 9: the log does not hold" in run("audit", "verify", "--head", f"9:{'0' * 64}").stderr
    assert run("audit", "verify", "--head", "nonsense").exit_code == 1


def test_units_are_added_listed_and_moved(bank: Store) -> None:
    assert well("unit", "add", "south", "--name", "南区", "--parent", "head") == "/head/south/"
    assert last_entry(bank) == ("unit.added", f"cli:{getpass.getuser()}", "south")
    assert well("unit", "move", "south", "--parent", "west") == "/head/west/south/"
    assert well("unit", "list").splitlines()[-1] == "    south  南区"
    assert run("unit", "add", "south", "--name", "又", "--parent", "head").exit_code == 1
    assert run("unit", "add", "north", "--name", "北", "--parent", "nowhere").exit_code == 1


def test_people_are_added_changed_and_let_go(bank: Store) -> None:
    person = ("user", "add", "li", "--name", "李", "--role", "handler", "--unit", "east")
    assert run(*person, given="short\n").exit_code == 1
    assert well(*person, given=f"{PASSWORD}\n") == user_id(bank, "li")
    assert last_entry(bank)[:2] == ("password.set", f"cli:{getpass.getuser()}")
    with bank.reading() as work:
        assert work.sign_in.attempt("li").fits(PASSWORD)
    assert well("user", "role", "li", "supervisor") == "li  supervisor  active"
    assert well("user", "deactivate", "li") == "li  supervisor  inactive"
    assert "li  supervisor  east  李  (inactive)" in well("user", "list")
    with bank.reading() as work:
        assert not work.sign_in.attempt("li").fits(PASSWORD)
    assert well("user", "activate", "li").endswith(" active")
    assert run("user", "role", "li", "system").exit_code == 2
    assert run("user", "password", "nobody", given=f"{PASSWORD}\n").exit_code == 1


def test_no_password_is_taken_from_the_command_line(bank: Store) -> None:
    for command in ("add", "password"):
        names = {parameter.name for parameter in user_group.commands[command].params}
        assert not {name for name in names if "password" in str(name)}
    assert run("user", "password", "admin", given="\n").exit_code == 1


def test_a_keys_token_is_printed_once_and_alone(bank: Store) -> None:
    token = well(*KEY)
    assert token.startswith("xb_")
    assert "\n" not in token
    with bank.reading() as work:
        found = work.api_keys.by_token(token)
    assert found is not None
    key_id = found[0].id
    listed = well("key", "list")
    assert f"{key_id}  valid  hotline  system  east  triage  热线" in listed
    assert token.rsplit("_", 1)[1] not in listed
    newer = well("key", "rotate", key_id, "--grace-hours", "0")
    with bank.reading() as work:
        assert work.api_keys.by_token(token) is None
        assert work.api_keys.by_token(newer) is not None
    well("key", "revoke", key_id)
    assert last_entry(bank) == ("key.revoked", f"cli:{getpass.getuser()}", key_id)
    assert f"{key_id}  revoked" in well("key", "list")
    assert run("key", "rotate", key_id, "--grace-hours", "0").exit_code == 1


@pytest.mark.parametrize("more", [("--role", "admin"), ("--scope", "cases.label"), ("--scope", "audit.read")])
def test_a_key_gets_no_more_than_a_machine_may(bank: Store, more: tuple[str, str]) -> None:
    assert run(*KEY, *more).exit_code in (1, 2)
    with bank.reading() as work:
        assert not work.api_keys.all(within=ROOT)


def test_before_migrating_a_command_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XIAOBAO_DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    monkeypatch.setenv("XIAOBAO_MASTER_KEYS", master_key("2026a"))
    result = run("unit", "list")
    assert result.exit_code == 1
    assert "xiaobao store migrate" in result.stderr


def test_without_master_keys_the_store_stays_closed(bank: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrating and backing up need none."""
    monkeypatch.delenv("XIAOBAO_MASTER_KEYS")
    well("store", "migrate")
    result = run("unit", "list")
    assert result.exit_code == 1
    assert "XIAOBAO_MASTER_KEYS" in result.stderr


def test_commands_decide_by_the_banks_own_policy(bank: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the service does; a folder without one is told, not silently replaced by the shipped policy."""
    monkeypatch.setenv("XIAOBAO_POLICY_FOLDER", str(tmp_path))
    result = run("unit", "list")
    assert result.exit_code == 1
    assert "policy.yaml" in result.stderr


def test_dead_letters_are_sent_again_or_forgotten_by_name(bank: Store) -> None:
    with bank.writing() as work:
        work.users.change(user_id(bank, "admin"), email="admin@bank.example", within=ROOT)
    with bank.writing() as work:
        work.outbox.put("alert.notice", {"to": [user_id(bank, "admin")]}, key="1")
        work.outbox.dispatch(by_mail=True)
        [claim] = work.letters.claim(limit=9)
        work.letters.failed(claim, "550", retry_after=None)
    assert re.search(r"alert\.notice +admin  550\n1 letters", well("mail", "dead"))
    assert run("mail", "dead", "--resend", "--forget").exit_code == 2
    assert well("mail", "dead", "--resend").startswith("1 letters begin anew")
    assert last_entry(bank) == ("mail.resent", f"cli:{getpass.getuser()}", "all")
    assert well("mail", "dead", "--forget").startswith("0 letters")
    assert last_entry(bank)[0] == "mail.forgotten"


def test_early_warnings_of_days_that_are_not_over_are_refused(bank: Store) -> None:
    assert "is not over" in run("warn", "--day", "2099-01-01").stderr
    assert "Monday" in run("digest", "--monday", "2026-11-24").stderr
    assert "Monday" in run("digest", "--show", "--monday", "2099-01-05").stderr
