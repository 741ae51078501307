"""Alerts over HTTP: seen and taken by people of the unit, by no machine."""

from tests.data.store.cases import put, user_id
from tests.serving.banks import Bank
from tests.serving.notifications.test_delivery import until


def test_an_alert_is_seen_told_and_taken(bank: Bank) -> None:
    supervisor = bank.person("supervisor-east")
    case = put(bank.store)

    def open_alerts() -> list[dict[str, object]]:
        answer = bank.client.get("/v1/alerts", params={"state": "open"}, headers=supervisor)
        alerts: list[dict[str, object]] = answer.json()["alerts"]
        return alerts

    until(lambda: open_alerts()[0]["level"] == "on_duty")
    [alert] = open_alerts()
    assert (alert["case_id"], alert["flags"], alert["unit_id"]) == (case.id, ["E07"], "east")
    assert alert["next_notice_at"] is not None
    taken = bank.client.post(f"/v1/alerts/{alert['id']}/acknowledge", headers=supervisor).json()
    assert (taken["next_notice_at"], taken["acknowledged_at"] is None) == (None, False)
    assert open_alerts() == []
    [done] = bank.client.get("/v1/alerts", params={"state": "acknowledged"}, headers=supervisor).json()["alerts"]
    assert done == taken
    with bank.store.reading() as work:
        events = work.events.of_case(case.id, within="/")
    assert [(e.kind, e.actor_id) for e in events][-1] == (
        "alert_acknowledged",
        user_id(bank.store, "supervisor-east"),
    )


def test_another_branch_and_machines_may_not(bank: Bank) -> None:
    put(bank.store)
    with bank.store.reading() as work:
        [(alert, _)] = work.alerts.listed(within="/")
    path = f"/v1/alerts/{alert.id}/acknowledge"
    western = bank.person("supervisor-west")
    assert bank.client.get("/v1/alerts", headers=western).json() == {"alerts": []}
    assert bank.client.post(path, headers=western).status_code == 404
    for headers in (bank.key(role="supervisor"), bank.person("auditor")):
        assert bank.client.post(path, headers=headers).status_code == 403
    assert bank.client.post(path).status_code == 401
