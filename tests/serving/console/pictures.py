"""Pictures of every page for docs/console.md. In: a demo bank. Out: PNG files of 1366 × 768, with a small palette.

    XIAOBAO_ENVIRONMENT=development XIAOBAO_DATA_FOLDER=.xiaobao/demo python -m tests.serving.console.pictures

The bank is that of `python -m serving.demo`; what the pictures need is done to a copy of it.
"""

import argparse
import io
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from serving.app import create_app
from serving.demo.bank import PASSWORD
from serving.lifecycle import load_predictor
from serving.settings import Settings, load_settings
from tests.serving.console.conftest import CHROMIUM
from tests.serving.console.desk import PATIENCE_MS, running

FOLDER = Path("docs/images/console")
MOST_BYTES = 120 * 1024
PALETTES = (256, 128, 64)
Act = Callable[[Page], None]
ROWS = (
    "工单编号,投诉内容,来源,受理时间\n"
    "A-1,信用卡年费首年说免，今年扣了三百六十元，要求退还。,热线,2026-11-20 09:30\n"
    "A-2,,热线,2026-11-21 10:00\n"
    "A-3,理财经理说保本，到期亏了八万元，要求赔偿。,火星,2026-11-22 15:10\n"
)


def _follow(selector: str) -> Act:
    def act(page: Page) -> None:
        page.click(selector)
        page.wait_for_load_state()

    return act


def _receipt(page: Page) -> None:
    _follow("a.open")(page)
    _follow(".page-tools a[href$=receipt]")(page)


def _reply(page: Page) -> None:
    _follow("a.open")(page)
    _follow(".page-tools a[href$=reply]")(page)


def _type_complaint(page: Page) -> None:
    page.fill("#text", "刚接到自称客服的电话，让我共享屏幕，转走了五万元，请马上止付！不处理我就打12378。")
    page.wait_for_selector("#preview .flag")


def _preview_rows(page: Page) -> None:
    page.set_input_files("#file", files=[{"name": "十一月来件.csv", "mimeType": "text/csv", "buffer": ROWS.encode()}])
    page.click("#look-file")
    page.wait_for_selector("table.preview")


def _reveal(page: Page) -> None:
    _follow("a.open")(page)
    page.click(".reveal summary")
    page.fill("#reveal-reason", "核对客户提供的卡号")
    _follow(".reveal button.danger")(page)


# Who looks at what, and what they do before the picture is taken.
PAGES: Mapping[str, Mapping[str, tuple[str, Act | None]]] = {
    "": {"sign-in": ("sign-in", None), "public": ("public", None)},
    "qin": {
        "queue": ("queue?status=any", None),
        "case": ("queue?decided=no", _follow("a.open")),
        "case-closed": ("queue?status=closed", _follow("a.open")),
        "original": ("queue", _reveal),
        "reply": ("queue", _reply),
        "receipt": ("queue", _receipt),
        "intake": ("intake", _type_complaint),
        "imports": ("imports", _preview_rows),
        "supervision": ("supervision", None),
        "alerts": ("alerts", None),
        "extensions": ("extensions", None),
        "rectification": ("rectification", None),
        "overview": ("overview?days=90", None),
        "warnings": ("warnings", None),
        "warning": ("warnings", _follow("a.open")),
        "reports": ("reports", _follow("form.filters button.primary")),
        "quality": ("quality", None),
        "quality-reading": ("quality", _follow("main table tr:last-child a")),
        "model": ("model", None),
    },
    "he": {"policy": ("policy", None)},
    "admin": {"users": ("users", None), "keys": ("keys", None)},
    "shen": {"audit": ("audit", None)},
}


def main() -> None:
    """Start the service on the demo bank, look at everything, write the files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--chromium", type=Path, default=CHROMIUM, help="One with its words in Chinese, if there is.")
    parser.add_argument("--address", help="A console that runs already, such as http://127.0.0.1:8000.")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.address:
        take(given.address, given.folder, chromium=given.chromium)
        return
    with tempfile.TemporaryDirectory() as folder:
        settings = _copied(load_settings(), Path(folder) / "bank")
        app = create_app(settings, load_predictor(settings, settings.read_policies().current))
        with running(app) as address:
            take(address, given.folder, chromium=given.chromium)


def _copied(settings: Settings, folder: Path) -> Settings:
    shutil.copytree(settings.data_folder, folder)
    return settings.model_copy(update={"data_folder": folder})


def take(address: str, folder: Path, *, chromium: Path) -> None:
    """One file per page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium),
            args=["--no-sandbox", "--lang=zh-CN"],
            env={**os.environ, "LANGUAGE": "zh_CN:zh", "LANG": "zh_CN.UTF-8", "LC_ALL": ""},
        )
        for login, pages in PAGES.items():
            page = _sit(browser, address, login)
            for name, (path, act) in pages.items():
                page.goto(f"{address}/console/{path}")
                if act is not None:
                    act(page)
                (folder / f"{name}.png").write_bytes(reduced(Image.open(io.BytesIO(page.screenshot())), name))
            page.context.close()
        browser.close()


def _sit(browser: Browser, address: str, login: str) -> Page:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    context.set_default_timeout(3 * PATIENCE_MS)
    page = context.new_page()
    if login:
        page.goto(f"{address}/console/sign-in")
        page.fill("#login", login)
        page.fill("#password", PASSWORD)
        page.click("button.primary")
        page.wait_for_url(re.compile(r"/console/(?!sign-in)"))
    return page


def reduced(image: Image.Image, name: str) -> bytes:
    """A PNG of at most `MOST_BYTES`, with as many colours as that allows. Raises ValueError."""
    plain = image.convert("RGB")
    for colours in PALETTES:
        file = io.BytesIO()
        _with_palette(plain, colours).save(file, "PNG", optimize=True)
        if file.tell() <= MOST_BYTES:
            return file.getvalue()
    raise ValueError(f"the picture of {name} has {file.tell()} bytes, expected at most {MOST_BYTES}")


def _with_palette(image: Image.Image, colours: int) -> Image.Image:
    """A quarter are the commonest colours as they are, so that no ground turns; the rest reach to the rare ones.

    Each pixel gets the nearest of them: Pillow's own way with a given palette is only near.
    """
    counted = sorted(image.getcolors(image.width * image.height) or [], reverse=True)
    exact = [colour for _, colour in counted[: colours // 4]]
    spread = image.quantize(colours - len(exact), Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).getpalette()
    palette = np.array([*exact, *zip(*[iter(spread or [])] * 3, strict=True)][:colours], dtype=np.int64)
    pixels = np.asarray(image, dtype=np.int64) @ (65536, 256, 1)
    found, places = np.unique(pixels, return_inverse=True)
    parts = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    nearest = ((parts[:, None, :] - palette[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
    reduced_image = Image.fromarray(nearest[places].reshape(pixels.shape).astype(np.uint8), "P")
    reduced_image.putpalette(palette.astype(np.uint8).tobytes())
    return reduced_image


if __name__ == "__main__":
    main()
