"""`xiaobao models shadow`: a candidate reads along. In: a name and a share, or replicas' metrics. Out: a report."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from data.shares import Share

if TYPE_CHECKING:
    from models.registry import Registry


@click.command("shadow")
@click.argument("name", required=False)
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=0.1, show_default=True)
@click.option("--stop", is_flag=True, help="No model reads along any more.")
@click.option(
    "--url", "urls", multiple=True, metavar="URL", help="A replica, http://host:port; report, change nothing."
)
def shadow_command(name: str | None, share: float, stop: bool, urls: tuple[str, ...]) -> None:
    """Let model NAME read a share of the traffic without answering; with --url report how far it disagrees."""
    from models.promotion import set_shadow
    from models.registry import Registry, Shadow

    registry = Registry()
    if stop:
        set_shadow(registry, None)
        click.echo("no model reads along")
    elif urls:
        _report(name, registry, urls)
    elif name is not None:
        set_shadow(registry, Shadow(name=name, share=share))
        click.echo(f"{name} reads along on {share:.0%} of the texts; report: xiaobao models shadow --url URL")
    else:
        shadow = registry.shadow()
        click.echo(
            f"{shadow.name} reads along on {shadow.share:.0%} of the texts" if shadow else "no model reads along"
        )


def _report(name: str | None, registry: "Registry", urls: tuple[str, ...]) -> None:
    import httpx

    from data.errors import RegistryError

    shadow = registry.shadow()
    wanted = name or (shadow.name if shadow else None)
    if wanted is None:
        raise RegistryError("no model reads along; name the one to report: xiaobao models shadow NAME --url URL")
    try:
        with httpx.Client(timeout=5, trust_env=False) as client:  # a replica is no matter for the bank's proxy
            pages = [client.get(f"{url.rstrip('/')}/metrics").raise_for_status().text for url in urls]
    except httpx.HTTPError as error:
        raise RegistryError(f"a replica's metrics cannot be read: {type(error).__name__}; expected --url URL") from None
    for line in shadow_lines(wanted, pages):
        click.echo(line)


def shadow_lines(name: str, pages: Iterable[str]) -> list[str]:
    """Texts compared, and by field the share that the candidate answers otherwise, with Wilson's interval."""
    texts: Counter[str] = Counter()
    fields: Counter[str] = Counter()
    for metric, labels, value in _samples(pages):
        if labels.get("bundle") == name and metric == "xiaobao_shadow_texts_total":
            texts[labels["outcome"]] += round(value)
        elif labels.get("bundle") == name and metric == "xiaobao_shadow_disagreements_total":
            fields[labels["field"]] += round(value)
    n = texts["compared"]
    head = f"{name}: compared {n}, dropped {texts['dropped']}, failed {texts['failed']}"
    return [
        head,
        *(f"{field:12s} {count:d}  {_words(Share(count=count, n=n))}" for field, count in fields.most_common() if n),
    ]


def _samples(pages: Iterable[str]) -> Iterator[tuple[str, dict[str, str], float]]:
    from prometheus_client.parser import text_string_to_metric_families

    for page in pages:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value


def _words(share: Share) -> str:
    low, high = share.interval or (0.0, 1.0)
    return f"{share.value or 0:.3f} [{low:.3f}, {high:.3f}]"
