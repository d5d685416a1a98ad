"""A report in a real browser: it fits, fetches nothing, runs nothing, and its links work."""

from __future__ import annotations

import struct
import zlib
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


def test_page_is_printed_on_a4_with_its_colours(
    browser: Browser, page: Path, tmp_path: Path
) -> None:
    write(page)
    browser.open(page)

    sheets = browser.printed(tmp_path / "page.pdf")

    width, height, colours = picture(sheets[0])
    assert (width, height) == (579, 819)
    assert 3 <= len(sheets) <= 6
    # Bars and gaps are printed though backgrounds are not.
    assert {(47, 111, 183), (20, 50, 79)} <= colours


def picture(path: Path) -> tuple[int, int, set[tuple[int, ...]]]:
    """Returns a PNG's width, height and colours; it has three bytes a pixel, not interlaced."""
    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    assert data[24:29] == b"\x08\x02\x00\x00\x00"
    packed, place = b"", 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        if data[place + 4 : place + 8] == b"IDAT":
            packed += data[place + 8 : place + 8 + length]
        place += length + 12
    rows = zlib.decompress(packed)
    return width, height, colours_of(rows, width)


def colours_of(rows: bytes, width: int) -> set[tuple[int, ...]]:
    """Undoes the filters of the rows. Source: the PNG specification, section 9."""
    found: set[tuple[int, ...]] = set()
    above = bytearray(width * 3)
    for start in range(0, len(rows), width * 3 + 1):
        kind, line = rows[start], bytearray(rows[start + 1 : start + 1 + width * 3])
        for n in range(len(line)):
            left = line[n - 3] if n >= 3 else 0
            corner = above[n - 3] if n >= 3 else 0
            line[n] = (line[n] + _predicted(kind, left, above[n], corner)) & 255
        found |= set(zip(line[0::3], line[1::3], line[2::3], strict=True))
        above = line
    return found


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda near: abs(guess - near))
    return (0, left, up, (left + up) // 2)[kind]
