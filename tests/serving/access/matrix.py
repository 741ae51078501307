"""The access matrix: every route of the app, who may call it, and what it works on. Read it like a table.

To add a route, add a line to MATRIX; a route without one fails `test_matrix.py`. `who` names the callers that are let
in; everybody else gets 403, who has no valid token 401. `on` says what the route works on:

    OPEN         needs no token
    NOTHING      works on nothing of a unit
    LIST_CASES   lists cases (LIST_USERS, LIST_UNITS … users, units …): shows the caller's unit and those below,
                 nothing of other branches
    CASE         works on the case (USER, UNIT … the user, the unit …) that the path names; another branch's is 404,
                 letter for letter as if it never was
    IN_UNIT      the unit stands in the body or the query (`{unit}`); the same rule
    WHOLE_BANK   only callers of a top unit; others get 403

All callers but those of WHOLE_BANK belong to the branch `east`. `json` may hold `{unit}`, `{user}`, `{new}` (a word
never used before). `versioned` sends the case's version along. `endless` answers never end: only refusals are tried.
`prepared`: the case is made ready first, and `{made}` is the fact or extension that this made; `{now}` and `{today}`
are times after its receipt. `signs_out`: people sign in anew for each call. `{code}` and `{unconfirmed}` are rows of
the policy from memory.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.serving.banks import PASSWORD


class On(StrEnum):
    OPEN = "open"
    NOTHING = "nothing"
    LIST_CASES = "list case"
    LIST_USERS = "list user"
    LIST_UNITS = "list unit"
    LIST_KEYS = "list key"
    LIST_ALERTS = "list alert"
    LIST_WEBHOOKS = "list webhook"
    LIST_IMPORTS = "list import"
    CASE = "case_id"
    USER = "user_id"
    UNIT = "unit_id"
    KEY = "key_id"
    ALERT = "alert_id"
    WEBHOOK = "webhook_id"
    IMPORT = "job_id"
    IN_UNIT = "unit in the request"
    WHOLE_BANK = "whole bank"


PERSONS = "handler supervisor engineer auditor compliance admin"
KEYS = "key key-auditor key-supervisor key-without-scopes"
"""With all scopes unless it says otherwise. No key is made with the role supervisor; one that has it stays a key."""
ALL = f"{PERSONS} {KEYS} settings-token"
WITHOUT_TOKEN = "nobody wrong-token"

TRIAGE = "handler supervisor engineer compliance key key-supervisor settings-token"
STORE = "handler supervisor key key-supervisor"
READ = "handler supervisor auditor compliance key key-auditor key-supervisor"
LABEL = "handler supervisor"
TAKE = "handler supervisor compliance"
EXTEND = "handler supervisor compliance"
DECIDE = "supervisor compliance"
FOLLOW = "handler supervisor compliance key key-supervisor"
AUDIT = "auditor compliance admin key-auditor"


@dataclass(frozen=True, kw_only=True)
class Row:
    route: str
    on: On
    who: str = ""
    ok: int = 200
    json: Any = None
    versioned: bool = False
    prepared: str = ""
    endless: bool = False
    signs_out: bool = False


def row(route: str, on: On, who: str = "", **more: Any) -> Row:
    return Row(route=route, on=on, who=who, **more)


TEXT = {"text": "信用卡被盗刷三千元"}
DECISION = {
    "order_type": "complaint", "category": "B03A", "leaf": "B03A.05", "cause": "C02", "subcause": "C02.1",
    "channel": "electronic", "flags": ["E07", "P02"], "seconds_spent": 8,
}  # fmt: skip
REASON = {"reason": "客户要求"}
FACT = {"kind": "new_facts", "at": "{now}"}
PAUSE = {"kind": "mediation", "began_at": "{now}", "notified_on": "{today}"}
MORE_TIME = {"step": "D2", "total": 30, "reason": "情况复杂"}
SLIP = {"reason": "mistake"}
TOLD = {"notified_on": "{today}"}
CLOSING = {"outcome": "supported", "told_at": "{now}"}
NEW_USER = {"login": "{new}", "name": "新人", "role": "handler", "unit_id": "{unit}"}
NEW_KEY = {"name": "新", "source_system": "{new}", "unit_id": "{unit}", "scopes": ["triage"]}
NEW_WEBHOOK = {"name": "新", "url": "http://127.0.0.1:9/", "unit": "{unit}", "kinds": ["case.high_risk"]}
NEW_UNIT = {"id": "{new}", "name": "新", "parent_id": "{unit}"}

MATRIX = [
    # route                                            works on        who may, body, status
    row("GET /", On.OPEN),
    row("GET /page.css", On.OPEN),
    row("GET /page.js", On.OPEN),
    row("GET /docs", On.OPEN),
    row("GET /docs/oauth2-redirect", On.OPEN),
    row("GET /redoc", On.OPEN),
    row("GET /openapi.json", On.OPEN),
    row("GET /static-offline-docs/swagger-ui.css", On.OPEN),
    row("GET /console", On.OPEN),  # leads to the sign-in form; its pages: tests/serving/console/test_access.py
    row("GET /console/", On.OPEN),
    row("GET /healthz", On.OPEN),
    row("GET /readyz", On.OPEN),
    row("GET /metrics", On.OPEN),
    row("POST /v1/sessions", On.OPEN, json={"login": "nobody", "password": PASSWORD}, ok=401),
    # ── whatever the unit
    row("GET /v1/me", On.NOTHING, ALL),
    row("DELETE /v1/sessions/current", On.NOTHING, ALL, ok=204, signs_out=True),
    row("POST /v1/triage", On.NOTHING, TRIAGE, json=TEXT),
    row("POST /v1/triage?store=true", On.NOTHING, STORE, json=TEXT),
    row("POST /v1/triage/batch", On.NOTHING, TRIAGE, json={"items": [TEXT]}),
    row("POST /v1/triage/batch?store=true", On.NOTHING, STORE, json={"items": [TEXT]}),
    # ── cases
    row("GET /v1/cases", On.LIST_CASES, READ),
    row("GET /v1/cases?words=转走", On.LIST_CASES, READ),
    row("GET /v1/cases?unit={unit}", On.IN_UNIT, READ),
    row("GET /v1/cases/{case_id}", On.CASE, READ),
    row("POST /v1/cases/{case_id}/reveal", On.CASE, "supervisor compliance", json=REASON),
    row("POST /v1/cases/{case_id}/labels", On.CASE, LABEL, json=DECISION, versioned=True, ok=201),
    row("POST /v1/cases/{case_id}/labels/confirm", On.CASE, "supervisor", versioned=True, prepared="lowered"),
    row("POST /v1/cases/{case_id}/assign", On.CASE, "supervisor", json={"user_id": "{user}"}, versioned=True),
    row("POST /v1/cases/{case_id}/claim", On.CASE, LABEL),
    row("POST /v1/cases/{case_id}/release", On.CASE, LABEL, versioned=True),
    row("POST /v1/cases/{case_id}/notes", On.CASE, LABEL, json={"text": "已回电"}, ok=204),
    row("POST /v1/cases/{case_id}/hand-over", On.CASE, LABEL, json={"unit_id": "east-1"}, versioned=True),
    row("POST /v1/cases/{own}/hand-over", On.IN_UNIT, LABEL, json={"unit_id": "{unit}"}, versioned=True),
    row("POST /v1/cases/{case_id}/close", On.CASE, LABEL, json=CLOSING, versioned=True),
    row("POST /v1/cases/{case_id}/reopen", On.CASE, LABEL, json=SLIP, versioned=True, prepared="closed"),
    row("GET /v1/cases/{case_id}/closings", On.CASE, READ),
    # ── limits of cases
    row("POST /v1/cases/{case_id}/facts", On.CASE, LABEL, json=FACT, ok=201),
    row("POST /v1/cases/{case_id}/facts/{made}/void", On.CASE, DECIDE, json=REASON, prepared="fact"),
    row("POST /v1/cases/{case_id}/pauses", On.CASE, LABEL, json=PAUSE, ok=201),
    row("POST /v1/cases/{case_id}/pauses/end", On.CASE, LABEL, json={"ended_at": "{now}"}, prepared="paused"),
    row("POST /v1/cases/{case_id}/extensions", On.CASE, EXTEND, json=MORE_TIME, ok=201),
    row("POST /v1/cases/{case_id}/extensions/{made}/approve", On.CASE, DECIDE, json={}, prepared="asked"),
    row("POST /v1/cases/{case_id}/extensions/{made}/refuse", On.CASE, DECIDE, json={}, prepared="asked"),
    row("POST /v1/cases/{case_id}/extensions/{made}/notice", On.CASE, LABEL, json=TOLD, prepared="granted"),
    row("GET /v1/extensions", On.NOTHING, DECIDE),
    row("POST /v1/cases/{case_id}/erase", On.CASE, "compliance", json=REASON, ok=204),
    # ── administration
    row("GET /v1/units", On.LIST_UNITS, READ + " admin"),
    row("POST /v1/units", On.IN_UNIT, "admin", json=NEW_UNIT, ok=201),
    row("PATCH /v1/units/{unit_id}", On.UNIT, "admin", json={"parent_id": "east"}),
    row("PATCH /v1/units/{own}", On.IN_UNIT, "admin", json={"parent_id": "{unit}"}),
    row("GET /v1/users", On.LIST_USERS, "admin supervisor"),
    row("POST /v1/users", On.IN_UNIT, "admin", json=NEW_USER, ok=201),
    row("PATCH /v1/users/{user_id}", On.USER, "admin", json={"role": "auditor"}),
    row("PATCH /v1/users/{own}", On.IN_UNIT, "admin", json={"unit_id": "{unit}"}),
    row("POST /v1/users/{user_id}/password", On.USER, "admin", json={"password": "another horse battery"}, ok=204),
    row("GET /v1/keys", On.LIST_KEYS, "admin"),
    row("POST /v1/keys", On.IN_UNIT, "admin", json=NEW_KEY, ok=201),
    row("POST /v1/keys/{key_id}/rotate", On.KEY, "admin", json={"grace_hours": 1}),
    row("DELETE /v1/keys/{key_id}", On.KEY, "admin", ok=204),
    # ── files of complaints; JSON is no such file
    row("POST /v1/cases/import", On.NOTHING, STORE, json={}, ok=415),
    row("POST /v1/cases/import/preview", On.NOTHING, STORE, json={}, ok=415),
    row("GET /v1/imports", On.LIST_IMPORTS, STORE),
    row("GET /v1/imports/{job_id}", On.IMPORT, STORE),
    row("GET /v1/imports/{job_id}/result", On.IMPORT, STORE),
    row("DELETE /v1/imports/{job_id}", On.IMPORT, STORE, endless=True),
    # ── alerts, messages
    row("GET /v1/alerts", On.LIST_ALERTS, TAKE),
    row("POST /v1/alerts/{alert_id}/acknowledge", On.ALERT, TAKE),
    row("GET /v1/events", On.NOTHING, FOLLOW, endless=True),
    row("GET /v1/webhooks", On.LIST_WEBHOOKS, "admin"),
    row("POST /v1/webhooks", On.IN_UNIT, "admin", json=NEW_WEBHOOK, ok=201),
    row("PATCH /v1/webhooks/{webhook_id}", On.WEBHOOK, "admin", json={"is_active": False}),
    row("DELETE /v1/webhooks/{webhook_id}", On.WEBHOOK, "admin", ok=204),
    row("GET /v1/webhooks/{webhook_id}/deliveries", On.WEBHOOK, "admin"),
    row("POST /v1/webhooks/{webhook_id}/deliveries/resend", On.WEBHOOK, "admin", json={}),
    # ── the whole bank's
    row("GET /v1/policy", On.NOTHING, READ),
    row("POST /v1/policy/confirmations/{code}", On.WHOLE_BANK, "compliance", ok=201),
    row("DELETE /v1/policy/confirmations/{unconfirmed}", On.WHOLE_BANK, "compliance", ok=404),
    row("GET /v1/audit", On.WHOLE_BANK, AUDIT),
    row("GET /v1/audit/head", On.WHOLE_BANK, AUDIT),
    row("GET /v1/audit/verify", On.WHOLE_BANK, AUDIT),
]  # fmt: skip
