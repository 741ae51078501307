"""Originals: sealed, bound to their case, revealed to people for a reason, erased for good."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Text, update
from sqlalchemy.engine import make_url

from data.errors import KeyMaterialError, NotAllowedError, NotFoundError, StoreError
from data.store.crypto import AES, SM4, MasterKeys, check_cipher, decrypt, encrypt, new_key
from data.store.maintenance import erase, rotate
from data.store.scope import ROOT
from data.store.tables import Base, KeyMaterial, Original
from data.store.unit_of_work import Store, open_store
from tests.data.store.cases import EAST, HEAD, NOVEMBER, TEXT, all_values, label, master_key, masters, put, user_id

REASON = "回访核对身份"


def reveal(
    store: Store, case_id: str, *, login: str = "supervisor-east", reason: str = REASON, within: str = EAST
) -> str:
    user = user_id(store, login)
    with store.writing() as work:
        return work.originals.reveal(case_id, user_id=user, reason=reason, within=within)


def audited(store: Store, case_id: str) -> list[str]:
    with store.reading() as work:
        return [entry.action for entry in work.audit.entries(within=ROOT, subject=case_id)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no master key is given"),
        ("   ", "no master key is given"),
        ("2026a", "id:base64"),
        ("2026a:c2hvcnQ=", "has 5 bytes, expected at least 32"),
        ("2026a:" + "A" * 44, "not random"),
        ("2026a:!!!", "not base64"),
        (f"{master_key('a')},{master_key('a')}", "stands twice"),
    ],
)
def test_a_missing_or_weak_master_key_is_refused(text: str, problem: str) -> None:
    with pytest.raises(KeyMaterialError, match=problem) as caught:
        MasterKeys.parse(text)
    assert "make one with" in caught.value.message
    assert "主密钥" in caught.value.message_zh


def test_keys_are_never_printed() -> None:
    assert "keys" not in repr(masters("a"))


def test_the_current_master_key_stands_first() -> None:
    assert masters("b", "a").current == "b"


@pytest.mark.parametrize("cipher", [AES, SM4])
def test_what_was_changed_or_moved_does_not_open(cipher: str) -> None:
    key = new_key(cipher)
    sealed = encrypt(b"secret", key=key, cipher=cipher, bound_to="case 1")
    assert decrypt(sealed, key=key, cipher=cipher, bound_to="case 1") == b"secret"
    assert encrypt(b"secret", key=key, cipher=cipher, bound_to="case 1") != sealed
    changed = sealed[:15] + bytes([sealed[15] ^ 1]) + sealed[16:]
    for wrong in (changed, sealed[:-1], b"", sealed[12:]):
        with pytest.raises(KeyMaterialError):
            decrypt(wrong, key=key, cipher=cipher, bound_to="case 1")
    with pytest.raises(KeyMaterialError):
        decrypt(sealed, key=key, cipher=cipher, bound_to="case 2")
    with pytest.raises(KeyMaterialError):
        decrypt(sealed, key=new_key(cipher), cipher=cipher, bound_to="case 1")


def test_an_unknown_cipher_is_refused() -> None:
    with pytest.raises(KeyMaterialError, match="aes-256-gcm or sm4-gcm"):
        check_cipher("des")


def test_the_original_is_nowhere_in_clear_and_comes_back(store: Store) -> None:
    case = put(store)
    assert [table for table, value in all_values(store) if "13800138000" in value] == []
    assert reveal(store, case.id) == TEXT
    assert audited(store, case.id) == ["original.revealed"]
    with store.reading() as work:
        [entry] = work.audit.entries(within=EAST, subject=case.id)
        assert [event.kind for event in work.events.of_case(case.id, within=EAST)] == ["received", "revealed"]
    assert entry.actor_id == user_id(store, "supervisor-east")
    assert REASON.encode("unicode_escape").decode() in entry.details


def test_a_reason_is_redacted_before_it_is_audited(store: Store) -> None:
    case = put(store)
    reveal(store, case.id, reason="客户手机13700137000来电核对")
    assert [table for table, value in all_values(store) if "13700137000" in value] == []


@pytest.mark.parametrize("login", ["handler-east", "engineer", "auditor", "admin", "system"])
def test_other_roles_may_not_reveal(store: Store, login: str) -> None:
    case = put(store)
    with pytest.raises(NotAllowedError):
        reveal(store, case.id, login=login, within=ROOT)
    assert audited(store, case.id) == []


def test_an_api_key_cannot_reveal_nor_can_somebody_who_left(store: Store) -> None:
    case = put(store)
    with pytest.raises(NotAllowedError, match="API key"), store.writing() as work:
        work.originals.reveal(case.id, user_id="hotline-key", reason=REASON, within=ROOT)
    with store.writing() as work:
        work.users.change(work.users.by_login("supervisor-east", within=ROOT).id, is_active=False, within=ROOT)
    with pytest.raises(NotAllowedError):
        reveal(store, case.id)


@pytest.mark.parametrize("reason", ["", "   ", "查看"])
def test_a_reveal_needs_a_reason(store: Store, reason: str) -> None:
    case = put(store)
    with pytest.raises(NotAllowedError) as caught:
        reveal(store, case.id, reason=reason)
    assert caught.value.code == "reason_missing"


def test_a_user_reveals_only_what_the_own_unit_covers_whatever_is_passed(store: Store) -> None:
    case = put(store)
    for within in (ROOT, HEAD, "/head/west/"):
        with pytest.raises(NotFoundError):
            reveal(store, case.id, login="supervisor-west", within=within)
    with pytest.raises(NotFoundError):
        reveal(store, case.id, within="/head/west/")


def test_no_text_without_its_audit_entry(store: Store) -> None:
    """A transaction that reads cannot reveal; one that is rolled back leaves no reveal unaudited."""
    case, user = put(store), user_id(store, "supervisor-east")
    with pytest.raises(StoreError), store.reading() as work:
        work.originals.reveal(case.id, user_id=user, reason=REASON, within=EAST)
    assert audited(store, case.id) == []


def test_a_wrong_master_key_is_told_at_opening(store: Store, url: str) -> None:
    for wrong in (MasterKeys.parse("2026a:" + master_key("other").split(":")[1]), masters("2027a")):
        with pytest.raises(KeyMaterialError):
            open_store(url, wrong)


def test_a_lost_secret_is_not_silently_replaced(store: Store, url: str) -> None:
    put(store)
    with store.writing() as work:
        work.session.delete(work.session.get_one(KeyMaterial, "store"))
    with pytest.raises(KeyMaterialError, match="restore key_material"):
        open_store(url, masters("2026a"))


def test_a_ciphertext_moved_to_another_case_does_not_open(store: Store) -> None:
    """Not alone, and not together with its wrapped key."""
    first, second = put(store), put(store, "另一个客户的投诉")
    with store.writing() as work:
        sealed = work.session.get_one(Original, first.id).ciphertext
        work.session.execute(update(Original).where(Original.case_id == second.id).values(ciphertext=sealed))
    with pytest.raises(KeyMaterialError):
        reveal(store, second.id)
    with store.writing() as work:
        wrapped = work.session.get_one(KeyMaterial, first.id).wrapped
        work.session.execute(update(KeyMaterial).where(KeyMaterial.case_id == second.id).values(wrapped=wrapped))
    with pytest.raises(KeyMaterialError):
        reveal(store, second.id)
    assert audited(store, second.id) == []
    assert reveal(store, first.id) == TEXT


def test_rotation_wraps_keys_anew_and_touches_no_text(store: Store, url: str) -> None:
    case_ids = [put(store, external_id=str(number), customer_reference="K1").id for number in range(5)]
    reveal(store, case_ids[0])
    with store.reading() as work:
        texts = {case_id: work.session.get_one(Original, case_id).ciphertext for case_id in case_ids}
    both = open_store(url, masters("2026b", "2026a"))
    assert rotate(both, actor_id="cli", batch=2) == 6
    assert rotate(both, actor_id="cli") == 0
    both.close()
    rotated = open_store(url, masters("2026b"))
    with rotated.reading() as work:
        assert {case_id: work.session.get_one(Original, case_id).ciphertext for case_id in case_ids} == texts
        assert work.audit.verify().problems == ()
    assert reveal(rotated, case_ids[4]) == TEXT
    again = put(rotated, customer_reference="K1")
    with rotated.reading() as work:
        assert len(work.case_list.of_same_customer(again.id, within=ROOT)) == 5
    rotated.close()
    with pytest.raises(KeyMaterialError, match="2026b"):
        open_store(url, masters("2026a"))


def test_ciphers_can_change_on_the_way(store: Store, url: str) -> None:
    """Each text opens with the cipher it was made with."""
    old = put(store)
    changed = open_store(url, masters("2026a"), cipher=SM4)
    new = put(changed)
    with changed.reading() as work:
        assert work.session.get_one(Original, new.id).cipher == SM4
    assert (reveal(changed, old.id), reveal(changed, new.id)) == (TEXT, TEXT)
    changed.close()


def test_an_erased_case_is_unreadable_but_counted(store: Store) -> None:
    case, other = put(store, customer_reference="K1"), put(store, customer_reference="K1")
    supervisor = user_id(store, "supervisor-east")
    with store.writing() as work:
        work.events.add(case.id, "noted", actor_id=supervisor, within=EAST, note="客户住在河边")
        work.labels.add(case.id, label(supervisor, reason="客户住在河边"), within=EAST)
    erase(store, case.id, actor_id="cli", reason="客户要求删除")
    with pytest.raises(NotFoundError) as caught:
        reveal(store, case.id)
    assert caught.value.code == "original_erased"
    assert audited(store, case.id) == ["case.erased"]
    values = all_values(store)
    assert [table for table, value in values if "河边" in value] == []
    assert len([table for table, value in values if "征信也受影响" in value]) == 2  # the other case and its search text
    with store.reading() as work:
        erased = work.cases.get(case.id, within=ROOT)
        assert work.case_list.of_same_customer(other.id, within=ROOT) == []
        assert [found.case.id for found in work.case_list.of_similar_wording(other.id, within=ROOT)] == []
        assert work.overview.by("category", NOVEMBER, within=ROOT) == {"B03A": 2}
        assert work.overview.by_flag(NOVEMBER, within=ROOT) == {"E07": 2, "P02": 2}
    assert (erased.redacted_text, erased.customer_key, erased.sketch) == ("", None, None)
    assert erased.erased_at is not None


def test_no_word_that_hung_on_an_erased_case_is_left(store: Store) -> None:
    """Every text of a table with cases but messages of imports, which hold none, and items of 溯源整改, which stay."""
    case, _, word = put(store, f"{TEXT}我住在河边。"), put(store), "河边"
    handler, supervisor = user_id(store, "handler-east"), user_id(store, "supervisor-east")
    with store.writing() as work:
        given: dict[str, Any] = {"user_id": handler, "within": EAST}
        work.labels.add(case.id, label(handler, reason=word), within=EAST)
        work.replies.save(case.id, f"住{word}的客户", **given)
        work.supervision.write(case.id, to_user=handler, text=f"客户住在{word}", from_user=supervisor, within=EAST)
        work.extensions.request(case.id, step="D2", total=30, reason="情况复杂", note=word, **given)
    with_text = {
        table.name
        for table in Base.metadata.sorted_tables
        if "case_id" in table.columns and any(isinstance(column.type, Text) for column in table.columns)
    } - {"import_rows", "rectifications"}
    assert {table for table, value in all_values(store) if word in value} - {"search_grams"} == with_text | {"cases"}
    erase(store, case.id, actor_id="cli", reason="客户要求删除")
    assert [table for table, value in all_values(store) if word in value] == []


def test_an_erased_key_is_not_left_in_the_file(store: Store, url: str) -> None:
    """SQLite overwrites what it deletes, journal included."""
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL reuses the space at its next vacuum")
    case = put(store)
    with store.reading() as work:
        wrapped = work.session.get_one(KeyMaterial, case.id).wrapped
    file = make_url(url).database
    assert file is not None
    files = [Path(file), Path(file + "-wal")]
    assert any(wrapped in name.read_bytes() for name in files)
    erase(store, case.id, actor_id="cli", reason="客户要求删除")
    assert not any(wrapped in name.read_bytes() for name in files)
