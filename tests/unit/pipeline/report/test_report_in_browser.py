"""The reports in a headless Chromium: what a person sees, and what a screen reader is told."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import report
from tests.unit.pipeline import evidences
from tests.unit.pipeline.report.test_report import html, many

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.endpoint  # the browser is a process of its own
PAGES = ("succeeded", "failed", "many")
PHONE, DESK = 390, 1100
# WCAG 2.1, 1.4.3: text against the color behind it, 4.5 at least.
CONTRAST = """() => {
  const channels = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const over = (top, below) => {
    const alpha = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * alpha + below[i] * (1 - alpha));
  };
  const luminance = (color) => {
    const [r, g, b] = color.map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      layers.push(channels(getComputedStyle(each).backgroundColor));
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("svg, title")) continue;
    const below = behind(element), text = over(channels(getComputedStyle(element).color), below);
    const [dark, light] = [luminance(text), luminance(below)].sort((a, b) => a - b);
    found.push([(light + 0.05) / (dark + 0.05), walker.currentNode.data.trim().slice(0, 40)]);
  }
  return found;
}"""


def chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless, and one for all tests; without one a person is told what was not tested, and CI fails."""
    executable = chromium()
    if executable is None:
        message = "the look of the reports was NOT tested: there is no Chromium (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Root has no sandbox, which guards against pages of strangers.
        launched = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def asked() -> dict[str, list[str]]:
    """By page, what it asked for beside its own file, and what the browser complained about."""
    return {name: [] for name in PAGES}


@pytest.fixture(scope="module")
def pages(browser: Browser, asked: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """The pages, each opened once."""
    directory = tmp_path_factory.mktemp("reports")
    made = {"succeeded": html(evidences.succeeded()), "failed": html(evidences.failed())}
    made["many"], _ = report.of_jobs(many(), dataset="orders", since=evidences.BEGAN)
    found = {}
    for name in PAGES:
        file, notes = directory / f"{name}.html", asked[name]
        file.write_text(made[name], encoding="utf-8")
        page = found[name] = browser.new_page()
        listen(page, notes)
        page.goto(file.as_uri())
        notes.remove(file.as_uri())
    return found


def listen(page: Page, notes: list[str]) -> None:
    page.on("request", lambda request: notes.append(request.url))
    page.on("console", lambda message: notes.append(f"console: {message.text}"))


def seen(page: Page, *, width: int = DESK, scheme: Any = "light", media: Any = "screen") -> Page:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme, media=media)
    return page


@pytest.mark.parametrize("name", PAGES)
def test_no_request_leaves_the_file(name: str, pages: dict[str, Page], asked: dict[str, list[str]]) -> None:
    assert [address for address in asked[name] if not address.startswith("data:")] == []
    # What hostile values would have made.
    assert pages[name].evaluate("document.querySelectorAll('script, img, iframe').length") == 0


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_is_wider_than_the_screen(name: str, width: int, pages: dict[str, Page]) -> None:
    page = seen(pages[name], width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    wide = """() => [...document.querySelectorAll("main *, header *")].filter((each) => each.checkVisibility()
        && !each.closest(".vh, .track, thead")
        && each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML)"""
    assert page.evaluate(wide) == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(name: str, scheme: str, pages: dict[str, Page]) -> None:
    page = seen(pages[name], scheme=scheme)
    texts = page.evaluate(CONTRAST)
    assert len(texts) > 30
    assert [text for text in texts if text[0] < 4.5] == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(15, 19, 26)") == (scheme == "dark")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_screen_reader_finds_its_way(name: str, width: int, pages: dict[str, Page]) -> None:
    page = seen(pages[name], width=width)
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    told = [(node["role"]["value"], node.get("name", {}).get("value")) for node in nodes if not node["ignored"]]
    roles = Counter(role for role, _name in told)
    assert {role: roles[role] for role in ("banner", "main", "contentinfo")} == {
        "banner": 1,
        "main": 1,
        "contentinfo": 1,
    }
    # Each region is named by its heading, and a table keeps its role on a phone, where it is laid out otherwise.
    regions = [name for role, name in told if role == "region"]
    assert regions == page.locator("section > h2").all_text_contents()
    assert roles["table"] == page.locator("table").count() >= 1
    assert all(name for role, name in told if role == "table")
    assert roles["row"] == page.locator("tr").count()
    # What is drawn is told in words beside it, or carries them.
    assert page.locator("svg:not([aria-hidden]):not([role=img][aria-label])").count() == 0
    assert page.evaluate("[document.documentElement.lang, document.querySelectorAll('h1').length]") == ["en", 1]


def test_the_keyboard_reaches_the_content_and_every_section(pages: dict[str, Page]) -> None:
    page = seen(pages["succeeded"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    targets = page.locator("nav a").evaluate_all("links => links.map((link) => link.hash)")
    assert targets == ["#next", "#timeline", "#rows", "#rejected", "#rules", "#trace", "#cost", "#job"]
    assert [target for target in targets if page.locator(target).count() != 1] == []
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_it_prints_black_on_white_without_the_contents(pages: dict[str, Page]) -> None:
    page = seen(pages["succeeded"], scheme="dark", media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
