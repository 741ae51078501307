"""The report of `eval.latency` as Markdown tables. In: the report. Out: text that can go into a README."""

from collections.abc import Iterable, Mapping
from typing import Any


def render(report: Mapping[str, Any]) -> str:
    """Tables of what was measured; parts that were not are left out."""
    model = report["model"]
    parts = [
        f"bundle {model['bundle']}, model {model['model_bytes'] / 1e6:.1f} MB, "
        f"{model['tokens_by_characters'][100]} tokens for 100 characters; {report['cores']} cores, "
        f"load before the run {report['load_before']:.2f}\n"
    ]
    if "services" in report:
        parts += [_services(report["services"]), _ratios(report["ratios"])]
    curves = report.get("curves", {})
    if "lengths" in curves:
        parts.append(_lengths(curves["lengths"], model["tokens_by_characters"]))
    if "clients" in curves:
        parts.append(_clients(curves["clients"]))
    if "engine" in report.get("bulk", {}):
        parts.append(_bulk(report["bulk"]))
    return "\n".join(parts)


def _services(services: Mapping[str, Mapping[str, Any]]) -> str:
    head = [
        "service",
        "1 client: req/s, p50, p99 ms",
        "8 clients",
        "32 clients",
        "CPU ms a request",
        "memory MB (PSS)",
        "first answer s",
    ]
    rows = [
        [
            name,
            *(
                f"{load['per_second']:.0f}, {load['p50_ms']:.1f}, {load['p99_ms']:.1f}"
                for load in result["clients"].values()
            ),
            f"{result['clients'][8]['service_cpu_ms_per_request']:.2f}",
            f"{result['memory_mb']['rss_mb']:.0f} ({result['memory_mb']['pss_mb']:.0f})",
            f"{result['first_answer_seconds']:.2f}",
        ]
        for name, result in services.items()
        if "clients" in result
    ]
    missing = [
        f"{name}: not measured, "
        + (f"needs the extra `{result['needs_extra']}`\n" if "needs_extra" in result else f"{result['error']}\n")
        for name, result in services.items()
        if "clients" not in result
    ]
    return table(head, rows) + "".join(missing)


def _ratios(ratios: Mapping[str, Mapping[str, float]]) -> str:
    if not ratios:
        return ""
    head = ["ours over the peer", "req/s with 1, 8, 32 clients", "p50 with 1", "memory (PSS)", "first answer"]
    rows = [
        [
            name,
            ", ".join(f"{ratio[f'per_second_{clients}']:.2f}" for clients in (1, 8, 32)),
            f"{ratio['p50_1']:.2f}",
            f"{ratio['rss']:.2f} ({ratio['pss']:.2f})",
            f"{ratio['first_answer']:.2f}",
        ]
        for name, ratio in ratios.items()
    ]
    return table(head, rows)


def _lengths(lengths: Mapping[int, Mapping[int, Any]], tokens: Mapping[int, int]) -> str:
    head = ["characters", "tokens", "1 client: p50, p99 ms", "8 clients: req/s, p99 ms"]
    rows = [
        [
            str(length),
            str(tokens[length]),
            f"{loads[1]['p50_ms']:.1f}, {loads[1]['p99_ms']:.1f}",
            f"{loads[8]['per_second']:.0f}, {loads[8]['p99_ms']:.0f}",
        ]
        for length, loads in lengths.items()
    ]
    return table(head, rows)


def _clients(clients: Mapping[int, Any]) -> str:
    head = ["clients", "req/s", "p50 ms", "p99 ms", "client's own CPU ms per request"]
    rows = [
        [
            str(number),
            f"{load['per_second']:.0f}",
            f"{load['p50_ms']:.1f}",
            f"{load['p99_ms']:.1f}",
            f"{load['client_cpu_ms_per_request']:.2f}",
        ]
        for number, load in clients.items()
    ]
    return table(head, rows)


def _bulk(bulk: Mapping[str, Any]) -> str:
    engine, command = bulk["engine"], bulk["command"]
    return (
        f"bulk, {engine['texts']} corpus texts of {engine['tokens_per_text']:.0f} tokens: bare session "
        f"{engine['texts_per_second']:.0f} texts/s, `xiaobao predict` {command['texts_per_second']:.0f} texts/s "
        f"({bulk['share_of_engine']:.0%}), {command['seconds_of_one_text']:.2f} s for one text\n"
    )


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
