"""What is counted. In: finished requests and answers. Out: Prometheus metrics; never complaint text.

| metric | meaning |
|---|---|
| `xiaobao_http_requests_total{route,status}` | finished requests |
| `xiaobao_http_seconds{route}` | time from request to answer |
| `xiaobao_stage_seconds{stage}` | prepare, queue, model: time of each stage of one text |
| `xiaobao_triaged_total{order_type,band,priority}` | answers given |
| `xiaobao_flags_total{flag}` | flags raised |
| `xiaobao_queue_texts` | texts waiting or running |
| `xiaobao_rejected_total{code}` | requests under /v1 and items of batches answered with an error, by its code |
| `xiaobao_imports_total{state}` | imports of files that came to a state: queued, done, failed, cancelled |
| `xiaobao_import_rows_total{outcome}` | rows of imported files: stored, existing, failed |
| `xiaobao_ready` | 1 when the service can answer |
| `xiaobao_webhook_attempts_total{outcome}` | attempts of webhooks: delivered, failed (again later), dead (given up) |
| `xiaobao_outbox_waiting` | deliveries to webhooks that wait |
| `xiaobao_outbox_dead` | deliveries that were given up and not sent again |
| `xiaobao_outbox_oldest_seconds` | age of the oldest message that waits for dispatch or a webhook |
| `xiaobao_mail_attempts_total{outcome}` | letters: sent, failed (again later), dead (given up), postponed (no server) |
| `xiaobao_mails_waiting` | letters that wait |
| `xiaobao_mails_dead` | letters that were given up, and neither sent again nor forgotten |
| `xiaobao_quality_waiting` | cases of the last 90 days that were drawn for the quality queue and not read |
| `xiaobao_quality_read` | those that were read |
| `xiaobao_alerts_open` | alerts that nobody has acknowledged |
| `xiaobao_model{bundle}` | 1 for the model that answers |
| `xiaobao_model_swaps_total{outcome}` | models that the registry named: swapped, refused |
| `xiaobao_model_refused` | 1 while the registry names a model that was refused |
| `xiaobao_shadow_texts_total{bundle,outcome}` | texts that a shadow model read: compared, dropped, failed |
| `xiaobao_shadow_disagreements_total{bundle,field}` | of the compared ones, those whose field it answers otherwise |
| `xiaobao_drift{measure}` | distances that the last `xiaobao drift check` found |
| `xiaobao_drift_alerts` | of them, those beyond threshold and chance |
"""

import logging
import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.answer import TriageAnswer

logger = logging.getLogger("xiaobao.requests")

PROBES = ("/healthz", "/readyz", "/metrics")
"""Asked every few seconds; not logged."""
BUCKETS = (0.001, 0.002, 0.004, 0.006, 0.01, 0.02, 0.03, 0.05, 0.08, 0.15, 0.3, 1.0, 5.0)


class Telemetry:
    """One registry per app, so that tests and replicas do not share counters."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "xiaobao_http_requests_total", "Finished requests.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "xiaobao_http_seconds", "Request time.", ["route"], buckets=BUCKETS, registry=self.registry
        )
        self.stages = Histogram(
            "xiaobao_stage_seconds", "Time per stage of a text.", ["stage"], buckets=BUCKETS, registry=self.registry
        )
        self.triaged = Counter(
            "xiaobao_triaged_total", "Answers given.", ["order_type", "band", "priority"], registry=self.registry
        )
        self.flags = Counter("xiaobao_flags_total", "Flags raised.", ["flag"], registry=self.registry)
        self.queue = Gauge("xiaobao_queue_texts", "Texts waiting or running.", registry=self.registry)
        self.rejected = Counter(
            "xiaobao_rejected_total",
            "Requests under /v1 and items of batches answered with an error, by its code.",
            ["code"],
            registry=self.registry,
        )
        self.imports = Counter(
            "xiaobao_imports_total", "Imports that came to a state.", ["state"], registry=self.registry
        )
        self.import_rows = Counter(
            "xiaobao_import_rows_total", "Rows of imported files.", ["outcome"], registry=self.registry
        )
        self.ready = Gauge("xiaobao_ready", "1 when the service can answer.", registry=self.registry)
        self._add_messages()
        self._add_models()
        self._begin_at_zero()

    def _add_messages(self) -> None:
        self.webhook_attempts = Counter(
            "xiaobao_webhook_attempts_total", "Attempts of webhooks, by outcome.", ["outcome"], registry=self.registry
        )
        self.outbox_waiting = Gauge("xiaobao_outbox_waiting", "Deliveries that wait.", registry=self.registry)
        self.outbox_dead = Gauge("xiaobao_outbox_dead", "Deliveries that were given up.", registry=self.registry)
        self.outbox_oldest = Gauge(
            "xiaobao_outbox_oldest_seconds", "Age of the oldest message that waits.", registry=self.registry
        )
        self.mail_attempts = Counter(
            "xiaobao_mail_attempts_total", "Letters, by outcome.", ["outcome"], registry=self.registry
        )
        self.mails_waiting = Gauge("xiaobao_mails_waiting", "Letters that wait.", registry=self.registry)
        self.mails_dead = Gauge("xiaobao_mails_dead", "Letters that were given up.", registry=self.registry)
        self.quality_waiting = Gauge(
            "xiaobao_quality_waiting", "Cases drawn for quality and not read.", registry=self.registry
        )
        self.quality_read = Gauge("xiaobao_quality_read", "Cases drawn for quality and read.", registry=self.registry)
        self.alerts_open = Gauge("xiaobao_alerts_open", "Alerts not acknowledged.", registry=self.registry)

    def _add_models(self) -> None:
        self.model = Gauge("xiaobao_model", "1 for the model that answers.", ["bundle"], registry=self.registry)
        self.model_swaps = Counter(
            "xiaobao_model_swaps_total", "Models that the registry named.", ["outcome"], registry=self.registry
        )
        self.model_refused = Gauge(
            "xiaobao_model_refused", "1 while the registry names a model that was refused.", registry=self.registry
        )
        self.shadow_texts = Counter(
            "xiaobao_shadow_texts_total", "Texts of a shadow model.", ["bundle", "outcome"], registry=self.registry
        )
        self.shadow_disagreements = Counter(
            "xiaobao_shadow_disagreements_total",
            "Compared texts whose field a shadow model answers otherwise.",
            ["bundle", "field"],
            registry=self.registry,
        )
        self.drift = Gauge(
            "xiaobao_drift", "Distances of recent complaints from the reference.", ["measure"], registry=self.registry
        )
        self.drift_alerts = Gauge("xiaobao_drift_alerts", "Distances beyond threshold.", registry=self.registry)

    def _begin_at_zero(self) -> None:
        """Prometheus sees no increase from nothing to one: without this the first failure would raise no alert."""
        counters = {
            self.imports: ("queued", "done", "failed", "cancelled"),
            self.import_rows: ("stored", "existing", "failed"),
            self.webhook_attempts: ("delivered", "failed", "dead"),
            self.mail_attempts: ("sent", "failed", "dead", "postponed"),
            self.model_swaps: ("swapped", "refused"),
        }
        for counter, values in counters.items():
            for value in values:
                counter.labels(value)

    def show_drift(self, measures: Mapping[str, float], alerts: int) -> None:
        """What the last check found."""
        self.drift.clear()
        for name, distance in measures.items():
            self.drift.labels(name).set(distance)
        self.drift_alerts.set(alerts)

    def show_model(self, name: str) -> None:
        """Name the model that answers, and no other."""
        self.model.clear()
        self.model.labels(name).set(1)

    def count_answer(self, answer: TriageAnswer) -> None:
        self.triaged.labels(answer.order_type.code, answer.decision.band, answer.decision.priority).inc()
        for flag in answer.flags:
            self.flags.labels(flag.code).inc()
        self.stages.labels("prepare").observe(answer.timings.prepare_ms / 1e3)
        self.stages.labels("queue").observe(answer.timings.queue_ms / 1e3)
        self.stages.labels("model").observe(answer.timings.model_ms / 1e3)


class RequestMetrics:
    """ASGI middleware: counts and times every request under its route's pattern, never its path; logs it if wanted."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry, *, is_logged: bool = False) -> None:
        self._app = app
        self._telemetry = telemetry
        self._is_logged = is_logged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            path = getattr(scope.get("route"), "path", None)
            route = "unmatched" if path is None else f"{scope.get('root_path', '')}{path}"  # the console is mounted
            seconds = time.perf_counter() - started
            self._telemetry.requests.labels(route, str(status)).inc()
            self._telemetry.seconds.labels(route).observe(seconds)
            if self._is_logged and route not in PROBES:
                _log(scope["method"], route, status, seconds)


def _log(method: str, route: str, status: int, seconds: float) -> None:
    milliseconds = round(seconds * 1e3, 1)
    fields = {"method": method, "route": route, "status": status, "milliseconds": milliseconds}
    logger.info("%s %s %d %.1f ms", method, route, status, milliseconds, extra=fields)
