"""What leaves the bank's store. In: a message of the outbox. Out: its JSON, the same in webhooks and event streams.

{"id": "msg_…", "type": "case.high_risk", "timestamp": "2026-11-30T02:00:00+00:00", "data": {codes and numbers}}
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def envelope(*, id: str, kind: str, created_at: datetime, payload: Mapping[str, Any]) -> str:
    """One line of JSON, the same bytes whenever it is made."""
    content = {"id": id, "type": kind, "timestamp": created_at.isoformat(), "data": payload}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
