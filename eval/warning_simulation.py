"""What early warning costs and brings: false alarms a month, days until an outbreak is told. In: a bank made of dice.

    python -m eval.warning_simulation [--banks 4] [--days 120] [--outbreaks 200] [--write]

A bank: branches of different size, each with all pairs of category and cause, frequent and rare as in the corpus of a
Zipf; weekdays and a yearly season; Poisson counts, or weeks that scatter more (negative-binomial). False alarms: quiet
banks, looked at every morning as the service does; one that stands for days counts once, and is quiet for a week after
it fell. Delay: to a quiet bank one outbreak is added in one branch, so many times the usual for two weeks and at least
so many cases; days from its beginning to the first morning that tells it, with the matter and the branch or one above.
`--write` puts the tables into docs/alerts.md.
"""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from data.policy.calendar import default_calendar
from data.taxonomy import default_taxonomy
from data.warning.baseline import HISTORY_DAYS, Counts, day_kind, days_until
from data.warning.spikes import ALPHA, Matter, Spike, find_spikes

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "alerts.md"
LAST = date(2026, 11, 29)
MONTH = 30
QUIET_DAYS = 7
OUTBREAK_DAYS = 14
WEEKDAY = (1.25, 1.15, 1.1, 1.05, 1.1, 0.65, 0.55)
YEARLY = 0.15
SCATTER = {"Poisson": 1.0, "scatter 1.5": 1.5, "scatter 2.5": 2.5}
"""Variance of a week's count over its mean, of all matters of a branch together and of each alone."""
SIZES = {"small": (6, 3_000), "middle": (20, 30_000), "large": (60, 200_000)}
"""Branches, complaints a year."""
OUTBREAKS = ((2, 5), (3, 10), (5, 20))
"""Times the usual, and least cases in two weeks."""
ALPHAS = (1e-6, ALPHA, 1e-4)
"""The service's limit between a narrower and a wider one."""
Series = dict[tuple[str, Matter], Counts]


@dataclass(frozen=True, kw_only=True)
class Bank:
    """`series`: by unit and matter, the head office's included; `days` end with the last simulated one."""

    days: Sequence[date]
    series: Series
    rates: Mapping[tuple[str, Matter], float]


def make_bank(rng: np.random.Generator, *, branches: int, a_year: int, scatter: float, days: int) -> Bank:
    """Counts by day of a bank without outbreaks."""
    dates = days_until(LAST, HISTORY_DAYS + days - 1)
    rhythm = _rhythm(dates)
    matters = [
        (category.code, cause.code) for category in default_taxonomy().categories for cause in default_taxonomy().causes
    ]
    shares = 1 / np.arange(1, len(matters) + 1) ** 1.1
    shares = rng.permutation(shares / shares.sum())
    sizes = 1 / np.arange(1, branches + 1) ** 0.7
    sizes /= sizes.sum()
    series: Series = {}
    rates: dict[tuple[str, Matter], float] = {}
    for branch, size in enumerate(sizes):
        path = f"/head/b{branch:02}/"
        own = shares * rng.gamma(4.0, 0.25, len(matters))  # no two branches have the same matters
        for matter, share in zip(matters, own / own.sum(), strict=True):
            rate = a_year / 365 * size * share
            rates[path, matter] = rate
            counts = _drawn(rng, rate * rhythm, scatter)
            if counts.any():
                series[path, matter] = counts
                series["/head/", matter] = series.get(("/head/", matter), 0.0) + counts
    return Bank(days=dates, series=series, rates=rates)


def mornings(bank: Bank, days: int) -> Iterator[tuple[int, list[Spike]]]:
    """Each of the last days, with what is told the morning after."""
    for day in range(days):
        end = len(bank.days) - days + 1 + day
        yield day, look(bank, end)


def look(bank: Bank, end: int) -> list[Spike]:
    """What the service would find with the days before `end`, at the widest of the limits."""
    begin = end - HISTORY_DAYS
    recent = {key: counts[begin:end] for key, counts in bank.series.items() if counts[end - 7 : end].sum() >= 5}
    totals = np.sum([counts[begin:end] for (path, _), counts in bank.series.items() if path == "/head/"], axis=0)
    # The bank's scatter is measured over all matters, as in the service; most of them need not be judged.
    heads = {key: counts[begin:end] for key, counts in bank.series.items() if key[0] == "/head/"}
    return find_spikes(
        heads | recent, totals=totals, days=bank.days[begin:end], calendar=default_calendar(), alpha=max(ALPHAS)
    )


def false_alarms(bank: Bank, days: int) -> list[int]:
    """Warnings of a quiet bank for each limit: continued ones count once."""
    seen: dict[tuple[float, str, Matter], int] = {}
    raised = dict.fromkeys(ALPHAS, 0)
    for day, spikes in mornings(bank, days):
        for alpha, spike in ((alpha, spike) for alpha in ALPHAS for spike in spikes if spike.tail < alpha):
            key = (alpha, spike.path, spike.matter)
            if key not in seen or day - seen[key] > QUIET_DAYS:
                raised[alpha] += 1
            seen[key] = day
    return list(raised.values())


def delays(rng: np.random.Generator, bank: Bank, *, times: float, least: int, begin: int) -> list[int | None]:
    """For each limit, days until an outbreak in a branch is told, 1 being the morning after its first; None: never."""
    keys = [key for key in bank.rates if key in bank.series]
    weights = np.array([bank.rates[key] for key in keys])
    path, matter = keys[rng.choice(len(keys), p=weights / weights.sum())]
    a_day = max((times - 1) * bank.rates[path, matter], least / OUTBREAK_DAYS)
    more = np.zeros(len(bank.days))
    more[begin : begin + OUTBREAK_DAYS] = rng.poisson(a_day, OUTBREAK_DAYS)
    changed = dict(bank.series)
    for unit in (path, "/head/"):
        changed[unit, matter] = bank.series[unit, matter] + more
    with_outbreak = Bank(days=bank.days, series=changed, rates=bank.rates)
    found: dict[float, int | None] = dict.fromkeys(ALPHAS)
    for day in range(OUTBREAK_DAYS):
        tails = [spike.tail for spike in _of(with_outbreak, matter, begin + day + 1) if path.startswith(spike.path)]
        for alpha in ALPHAS:
            if found[alpha] is None and any(tail < alpha for tail in tails):
                found[alpha] = day + 1
        if found[min(ALPHAS)] is not None:
            break
    return list(found.values())


def _of(bank: Bank, matter: Matter, end: int) -> list[Spike]:
    """As `look`, of one matter: the others are what they were."""
    only = {key: counts for key, counts in bank.series.items() if key[1] == matter or key[0] == "/head/"}
    found = look(Bank(days=bank.days, series=only, rates=bank.rates), end)
    return [spike for spike in found if spike.matter == matter]


def _rhythm(dates: Sequence[date]) -> Counts:
    """Weekday, rest days and a yearly wave; its mean is 1."""
    calendar = default_calendar()
    weekday = np.array([WEEKDAY[day_kind(day, calendar)] for day in dates])
    wave = 1 + YEARLY * np.sin([2 * np.pi * day.timetuple().tm_yday / 365 for day in dates])
    rhythm = weekday * wave
    return np.asarray(rhythm / rhythm.mean())


def _drawn(rng: np.random.Generator, means: Counts, scatter: float) -> Counts:
    """Poisson around means that change from week to week so that a week's variance is `scatter` times its mean."""
    if scatter > 1:
        weekly = float(means.mean()) * 7
        shape = weekly / (scatter - 1)
        weeks = rng.gamma(shape, 1 / shape, -(-len(means) // 7))
        means = means * np.repeat(weeks, 7)[: len(means)]
    return rng.poisson(means).astype(float)


def alarm_table(banks: int, days: int) -> list[list[str]]:
    """False alarms a month by size of the bank, scatter of its counts and limit."""
    rows = []
    for name, (branches, a_year) in SIZES.items():
        row = [f"{name}: {branches} branches, {a_year:,} complaints a year"]
        for scatter in SCATTER.values():
            raised = np.zeros(len(ALPHAS))
            for seed in range(banks):
                rng = np.random.default_rng(seed)
                bank = make_bank(rng, branches=branches, a_year=a_year, scatter=scatter, days=days)
                raised += false_alarms(bank, days)
            row.append(" / ".join(f"{count * MONTH / (banks * days):.1f}" for count in raised))
        rows.append(row)
    return rows


def delay_table(outbreaks: int) -> list[list[str]]:
    """Share told within two weeks and median of the days until then, by outbreak, size of the bank and limit."""
    rows = []
    for times, least in OUTBREAKS:
        row = [f"{times} times the usual, at least {least} cases more"]
        for branches, a_year in SIZES.values():
            rng = np.random.default_rng(times)
            bank = make_bank(rng, branches=branches, a_year=a_year, scatter=SCATTER["scatter 1.5"], days=OUTBREAK_DAYS)
            begin = len(bank.days) - OUTBREAK_DAYS
            found = [delays(rng, bank, times=times, least=least, begin=begin) for _ in range(outbreaks)]
            row.append(" / ".join(_told(of_limit) for of_limit in zip(*found, strict=True)))
        rows.append(row)
    return rows


def _told(found: Sequence[int | None]) -> str:
    told = [days for days in found if days is not None]
    return f"{100 * len(told) / len(found):.0f} %, {np.median(told):.0f} d" if told else "0 %"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--banks", type=int, default=4)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--outbreaks", type=int, default=200)
    parser.add_argument("--write", action="store_true", help="Put the tables into docs/alerts.md.")
    options = parser.parse_args()
    alarms = markdown(["false alarms a month", *SCATTER], alarm_table(options.banks, options.days))
    told = markdown(["told within 14 days, median", *SIZES], delay_table(options.outbreaks))
    command = (
        f"`python -m eval.warning_simulation --banks {options.banks} --days {options.days} --outbreaks "
        f"{options.outbreaks}`; in each cell the limits {' / '.join(f'{alpha:g}' for alpha in ALPHAS)}, "
        f"of which {ALPHA:g} is the service's"
    )
    block = f"{command}\n\n{alarms}\n\n{told}"
    print(block)  # noqa: T201
    if options.write:
        text = DOCUMENT.read_text(encoding="utf-8")
        marks = r"(<!-- simulation:begin -->\n).*?(<!-- simulation:end -->)"
        DOCUMENT.write_text(
            re.sub(marks, lambda found: f"{found[1]}{block}\n{found[2]}", text, flags=re.DOTALL), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
