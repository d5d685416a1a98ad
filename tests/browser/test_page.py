"""A report in a real browser: it fits, fetches nothing, runs nothing, and its links work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.chromium import Browser
from tests.render.test_html import HOSTILE, hostile
from tests.report import sample
from vlanlog.render import html

OUTSIDE = """
[...document.querySelectorAll('h1, h2, h3, p, td, .label span, .tiles li, pre')]
  .filter(item => item.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(item => item.textContent)
"""
CUT = """
[...document.querySelectorAll('.label')]
  .filter(item => item.scrollHeight > item.clientHeight + 1 || item.scrollWidth > item.clientWidth)
  .map(item => item.textContent)
"""
LOOSE = """
[...document.querySelectorAll('.chart')].map(chart =>
  Math.abs(chart.querySelector('.labels').offsetHeight - chart.querySelector('svg').clientHeight))
"""
TEXT_ON_TEXT = """
[...document.querySelectorAll('.plot > svg')].flatMap(svg => {
  const found = [...svg.querySelectorAll('text')].map(item => item.getBoundingClientRect());
  return found.filter((one, n) => found.some((other, m) => n < m
    && one.left < other.right && other.left < one.right
    && one.top + 3 < other.bottom && other.top + 3 < one.bottom));
}).length
"""
TOLD = """
[...document.querySelectorAll('h1, h2, h3, p, th, td, caption, dd, .label span, pre')]
  .map(item => item.innerText.replace(/\\s/g, ''))
"""


def write(page: Path, *, attacked: bool = False) -> None:
    page.write_text(html.page(hostile() if attacked else sample.report(), utc=True))


def told(browser: Browser, method: str) -> list[dict[str, object]]:
    return [event["params"] for event in browser.events if event.get("method") == method]


@pytest.mark.parametrize("width", [420, 800, 1280, 1920])
def test_page_fits_the_window(browser: Browser, page: Path, width: int) -> None:
    write(page)
    browser.resize(width)
    browser.open(page)

    assert browser.value("document.documentElement.scrollWidth") == width
    if width >= 800:
        assert browser.value(OUTSIDE) == []
        assert browser.value(CUT) == []


@pytest.mark.parametrize("width", [800, 1280])
def test_labels_stand_beside_their_bars_and_no_text_on_another(
    browser: Browser, page: Path, width: int
) -> None:
    write(page)
    browser.resize(width)
    browser.open(page)

    assert browser.value(LOOSE) == [0, 0]
    assert browser.value(TEXT_ON_TEXT) == 0


def test_page_asks_for_nothing_and_complains_of_nothing(browser: Browser, page: Path) -> None:
    write(page)
    browser.open(page)
    browser.value("1")

    requests = [item["request"] for item in told(browser, "Network.requestWillBeSent")]
    urls = [item["url"] for item in requests if isinstance(item, dict)]
    assert [url for url in urls if not str(url).startswith("data:")] == [page.as_uri()]
    assert told(browser, "Log.entryAdded") == []


def test_hostile_names_run_nothing(browser: Browser, page: Path) -> None:
    write(page, attacked=True)
    browser.open(page)

    assert browser.value("document.scripts.length + document.images.length") == 0
    assert browser.value("document.title").startswith("VLANs of </title></style><script>")
    assert told(browser, "Page.javascriptDialogOpening") == []
    assert HOSTILE[:40] in browser.value("document.querySelector('h1').textContent")


def test_hostile_names_fit_the_window(browser: Browser, page: Path) -> None:
    write(page, attacked=True)
    browser.resize(800)
    browser.open(page)

    assert browser.value("document.documentElement.scrollWidth") == 800


def test_mark_leads_to_its_row(browser: Browser, page: Path) -> None:
    write(page)
    browser.open(page)

    browser.value("location.hash = document.querySelector('.plot a').getAttribute('href')")

    assert "▲1" in browser.value("document.querySelector('tr:target').textContent")


def test_page_is_dark_for_eyes_that_want_it_dark(browser: Browser, page: Path) -> None:
    write(page)
    browser.open(page)
    ground = "getComputedStyle(document.body).backgroundColor"

    browser.media(dark=True)
    dark = browser.value(ground)
    browser.media()

    assert (dark, browser.value(ground)) == ("rgb(20, 24, 29)", "rgb(255, 255, 255)")


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground(browser: Browser, page: Path, dark: bool) -> None:
    write(page)
    browser.media(dark=dark)
    browser.open(page)
    script = """
    (() => {
      const style = getComputedStyle(document.documentElement);
      const light = name => {
        const hex = style.getPropertyValue(name).trim().replace(/^#(.)(.)(.)$/, '#$1$1$2$2$3$3');
        const part = at => { const c = parseInt(hex.slice(at, at + 2), 16) / 255;
          return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
        return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
      };
      const ratio = (one, other) => (Math.max(light(one), light(other)) + 0.05)
        / (Math.min(light(one), light(other)) + 0.05);
      const pairs = [['--ink', '--paper'], ['--soft', '--paper'], ['--foreign', '--paper'],
        ['--good', '--paper'], ['--link', '--paper'], ['--on-native', '--native'],
        ['--ink', '--stay'], ['--ink', '--gap-wash'], ['--foreign', '--gap-wash']];
      return pairs.filter(([a, b]) => !(ratio(a, b) >= 4.5)).map(pair => pair.join(' on '));
    })()
    """

    found = browser.value(script)
    browser.media()

    # WCAG 2.1, 1.4.3: 4.5 to 1.
    assert found == []


def test_reader_of_the_screen_hears_the_charts(browser: Browser, page: Path) -> None:
    write(page)
    browser.open(page)

    nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
    names = [
        node["name"]["value"]
        for node in nodes
        if node.get("role", {}).get("value") in ("image", "img", "graphics-document")
        and node.get("name", {}).get("value", "").startswith("VLANs of")
    ]

    assert [name.split(" over")[0] for name in names] == [
        f"VLANs of the NIC {sample.LAN}",
        f"VLANs of the NIC {sample.DMZ}",
    ]


@pytest.mark.parametrize("dark", [False, True])
def test_page_is_printed_on_a4_with_its_colours(
    browser: Browser, page: Path, tmp_path: Path, dark: bool
) -> None:
    write(page)
    browser.open(page)

    sheets = browser.printed(tmp_path / "page.pdf", dark=dark)

    pictures = [picture(sheet.picture) for sheet in sheets]
    assert {(width, height) for width, height, _ in pictures} == {(579, 819)}
    found = set().union(*(colours for _, _, colours in pictures))
    # Bars, gaps and the rows of gaps are printed though backgrounds are not, on white.
    assert {(47, 111, 183), (20, 50, 79), (255, 243, 214), (255, 255, 255)} <= found
    assert (20, 24, 29) not in found


@pytest.mark.parametrize("attacked", [False, True])
def test_printed_sheets_have_all_words_between_their_margins(
    browser: Browser, page: Path, tmp_path: Path, attacked: bool
) -> None:
    write(page, attacked=attacked)
    browser.open(page)

    sheets = browser.printed(tmp_path / "page.pdf")

    # A4 is 595 points wide and the margins are 37: what is cut off lies beyond.
    words = [word for sheet in sheets for word in sheet.words]
    assert [word for word in words if not 36 < word[1] < word[2] < 560] == []
    assert [sheet.picture for sheet in sheets if not sheet.words] == []


def test_printed_sheets_leave_nothing_out(browser: Browser, page: Path, tmp_path: Path) -> None:
    write(page)
    browser.open(page)
    told = browser.value(TOLD)

    whole = "".join(sheet.text for sheet in browser.printed(tmp_path / "page.pdf"))

    assert len(told) > 300
    assert [text for text in told if text not in whole] == []


def test_printed_chart_stands_whole_below_its_title(
    browser: Browser, page: Path, tmp_path: Path
) -> None:
    write(page)
    browser.open(page)

    sheets = browser.printed(tmp_path / "page.pdf")

    lanes = {"net0": "1200,305-310300-304320666999", "net1": "500-531532-563700"}
    for nic, labels in lanes.items():
        [sheet] = [sheet for sheet in sheets if f"NIC{nic}" in sheet.text]
        below = sheet.text.partition(f"NIC{nic}")[2]
        assert f"foreignchangespluggedinatPVID(nativeVLAN){labels}" in below


def test_printed_table_has_its_heads_on_each_sheet(
    browser: Browser, page: Path, tmp_path: Path
) -> None:
    write(page)
    browser.open(page)
    heads = "eventwhenNICwhatbywhy"

    sheets = browser.printed(tmp_path / "page.pdf")

    first = next(n for n, sheet in enumerate(sheets) if "Everythingthatwasrecorded" in sheet.text)
    last = next(n for n, sheet in enumerate(sheets) if "622026-11-0320:52:00" in sheet.text)
    assert [n for n in range(first, last + 1) if heads not in sheets[n].text] == []


def picture(path: Path) -> tuple[int, int, set[tuple[int, ...]]]:
    """Returns a PPM's width, height and colours; it has three bytes a pixel."""
    kind, size, depth, pixels = path.read_bytes().split(b"\n", 3)
    assert (kind, depth) == (b"P6", b"255")
    width, height = map(int, size.split())
    return width, height, set(zip(pixels[0::3], pixels[1::3], pixels[2::3], strict=True))
