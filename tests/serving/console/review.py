"""How much work reviewing is. In: the development split. Out: keystrokes and seconds per case, one JSON object.

    python -m tests.serving.console.review [--cases 20]

Cases are stored as the service would, then decided in Chromium by keyboard alone, each as the corpus's labels say:
the model's answer confirmed where it is right, else changed by 1–3 or by the picker, flags ticked and unticked. The
script knows the right answer and does not read: its seconds are what the pages cost, a person's reading comes on top.
Further causes are left alone. In the picker the code is typed; each character counts as a keystroke.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from data.dataset import read_corpus
from data.schema import LabelledText
from data.splits import read_splits
from data.store.migration import migrate
from data.store.scope import ROOT
from data.store.tables import Label
from data.store.unit_of_work import open_store
from data.taxonomy import default_taxonomy
from models.predictor import Predictor
from tests.data.store.cases import masters
from tests.serving.console.complaints import found_bank
from tests.serving.console.conftest import CHROMIUM
from tests.serving.console.desk import Desk, serve

SEED = 20261130
REASON = "情形不符"
OPTION_OFFSET = """([name, code]) => {
  const select = document.querySelector(`#decide select[name=${name}]`);
  return [...select.options].findIndex((option) => option.value === code) - select.selectedIndex;
}"""


@dataclass(kw_only=True)
class Keyboard:
    """A page's keyboard that counts."""

    page: Page = field(repr=False)
    strokes: int = 0
    means: Counter[str] = field(default_factory=Counter)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.strokes += 1

    def write(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.strokes += len(text)


def main() -> None:
    """Store, review, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=20)
    report = review(_texts(parser.parse_args().cases))
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=1) + "\n")


def _texts(count: int) -> Sequence[LabelledText]:
    splits = read_splits()
    known = [text for text in read_corpus(default_taxonomy()) if splits.get(text.id) == "dev"]
    return random.Random(SEED).sample(known, count)


def review(texts: Sequence[LabelledText]) -> Mapping[str, object]:
    """Every text once, in the queue's order."""
    predictor = Predictor.load()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'review.db'}"
        migrate(url)
        store = open_store(url, masters("2026a"))
        found_bank(store)
        with serve(url, predictor) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
            desk = Desk(address=address, store=store, predictor=predictor, browser=browser)
            cases = {desk.put(text.text): text for text in texts}
            done = _decide_all(desk, cases)
            browser.close()
        with store.reading() as work:
            labels = {case_id: work.labels.standing(case_id, within=ROOT) for case_id in done}
        store.close()
    seconds = [label.seconds_spent for label in labels.values() if label and label.seconds_spent is not None]
    means: Counter[str] = Counter()
    for keyboard in done.values():
        means.update(keyboard.means)
    return {
        "cases": len(texts),
        "decided": len(seconds),
        "as the corpus says": sum(
            label is not None and _is_right(label, cases[case]) for case, label in labels.items()
        ),
        "confirmed without a correction": sum(not keyboard.means for keyboard in done.values()),
        "keystrokes": _median_and_most([keyboard.strokes for keyboard in done.values()]),
        "seconds of page time": _median_and_most(seconds),
        "corrections": dict(means.most_common()),
    }


def _is_right(label: Label, text: LabelledText) -> bool:
    """Channel and flags, and what the order type asks for."""
    asked = {"complaint": ("leaf", "subcause"), "irrelevant": ()}.get(text.order_type, ("leaf",))
    names = ("order_type", "channel", *asked)
    return all(getattr(label, name) == getattr(text, name) for name in names) and label.flags == sorted(text.flags)


def _median_and_most(values: Sequence[float]) -> Mapping[str, float]:
    return {"median": statistics.median(values), "most": max(values)}


def _decide_all(desk: Desk, texts: Mapping[str, LabelledText]) -> Mapping[str, Keyboard]:
    page = desk.sit("zhou")
    page.goto(f"{desk.address}/console/queue?decided=no")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    done: dict[str, Keyboard] = {}
    for _ in texts:
        page.wait_for_function("seen => !seen.some((id) => location.pathname.endsWith(id))", arg=[*done])
        if page.url.partition("?")[0].endswith("/queue"):  # the list's end was reached; on from its beginning
            page.keyboard.press("j")
            page.keyboard.press("Enter")
            page.wait_for_url("**/cases/**")
        page.wait_for_selector("#decide .facet.active")
        case_id = page.url.rpartition("/")[2].partition("?")[0]
        if case_id not in texts:
            raise RuntimeError(f"not taken: {page.locator('.problem').inner_text()}; {done.popitem()[1].means}")
        done[case_id] = Keyboard(page=page)
        _decide(done[case_id], texts[case_id])
    page.wait_for_url(f"**did={case_id}**")
    page.context.close()
    return done


def _decide(keyboard: Keyboard, text: LabelledText) -> None:
    # The order type first: it says which of the others are asked.
    wanted = {"order_type": text.order_type, "leaf": text.leaf, "subcause": text.subcause, "channel": text.channel}
    for facet, code in wanted.items():
        select = keyboard.page.locator(f"#decide select[name={facet}]")
        is_asked = keyboard.page.locator(f"#decide .facet[data-facet={facet}]").is_visible()
        if code is not None and is_asked and select.input_value() != code:
            _change(keyboard, facet, code)
    reason_needed = _change_flags(keyboard, frozenset(text.flags))
    keyboard.press("c")
    if reason_needed:
        keyboard.write(REASON)
        keyboard.press("Enter")


def _change(keyboard: Keyboard, facet: str, code: str) -> None:
    page = keyboard.page
    while page.locator("#decide .facet.active").get_attribute("data-facet") != facet:
        keyboard.press("n")
    buttons = page.locator(f"#decide button[data-choose={facet}]")
    values = [button.get_attribute("value") for button in buttons.all()]
    if code in values:
        keyboard.press(str(values.index(code) + 1))
        keyboard.means["alternative"] += 1
        return
    keyboard.press("/")
    if facet in ("leaf", "subcause"):
        keyboard.write(code)
        keyboard.press("Enter", "Escape")
    else:
        steps = page.evaluate(OPTION_OFFSET, [facet, code])
        keyboard.press(*["ArrowDown" if steps > 0 else "ArrowUp"] * abs(steps), "Escape")
    keyboard.means["picker"] += 1


def _change_flags(keyboard: Keyboard, wanted: frozenset[str]) -> bool:
    """Whether one goes that the case has: that asks for a reason."""
    raised = keyboard.page.locator("#flags .flag-row input").all()
    states = [(box.get_attribute("value"), box.is_checked(), box.get_attribute("data-stands")) for box in raised]
    wrong = [index for index, (code, ticked, _) in enumerate(states) if ticked != (code in wanted)]
    for step, index in enumerate(wrong):
        keyboard.press(*["f"] if step == 0 else [], *["Tab"] * (index - (wrong[step - 1] if step else 0)), "Space")
        keyboard.means["flag kept or removed"] += 1
    missing = sorted(wanted - {code for code, _, _ in states})
    for step, code in enumerate(missing):
        if step == 0:
            keyboard.press(*["f"] if wrong or not raised else ["f", "f"])
        keyboard.write(code)
        keyboard.press("Space")
        keyboard.means["flag added"] += 1
    return any(states[index][1] and states[index][2] is not None for index in wrong)


if __name__ == "__main__":
    main()
