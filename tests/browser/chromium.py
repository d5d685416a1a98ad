"""Headless Chromium: found on PATH or unpacked into the lab's cache, and driven over a pipe.

Must not install anything, and must not know a report.
Source: the Chrome DevTools Protocol; --remote-debugging-pipe reads file descriptor 3, writes 4.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from select import select
from typing import Any
from xml.etree import ElementTree

_PACKAGES = Path(__file__).resolve().parent.parent / "lab" / "packages.py"
_NEEDED = ("chromium", "fonts-dejavu-core", "poppler-utils")
_ANSWER_S = 60.0
_FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>{folders}<cachedir>{cache}</cachedir>
<alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
<match><edit name="family" mode="append_last"><string>DejaVu Sans</string></edit></match>
</fontconfig>
"""


def _tree() -> Path:
    """Returns a folder with Chromium and what it needs beyond the machine's own packages.

    Raises: RuntimeError where it cannot be fetched.
    """
    command = [sys.executable, str(_PACKAGES), *_NEEDED]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("no Chromium could be fetched: see above")
    return Path(done.stdout.strip())


def _program(tree: Path, name: str) -> str:
    """Returns a program of the tree, or of the machine where it has the package installed."""
    for path in (tree / "usr" / "lib" / name / name, tree / "usr" / "bin" / name):
        if path.exists():
            return str(path)
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"no {name} in {tree}, nor on PATH")
    return found


def environment(tree: Path, folder: Path) -> dict[str, str]:
    """Returns libraries and fonts of the tree; nothing is written outside the folder."""
    libraries = tree / "usr" / "lib" / f"{os.uname().machine}-linux-gnu"
    fonts = folder / "fonts.conf"
    places = (Path("/usr/share/fonts"), tree / "usr" / "share" / "fonts")
    folders = "".join(f"<dir>{place}</dir>" for place in places if place.exists())
    fonts.write_text(_FONTS.format(folders=folders, cache=folder / "fonts"))
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "FONTCONFIG_FILE": str(fonts),
        "LD_LIBRARY_PATH": f"{libraries}:{libraries / 'pulseaudio'}",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Is one printed sheet: its picture, and each word with its left and right edge.

    Units: points from the sheet's left edge.
    """

    picture: Path
    words: tuple[tuple[str, float, float], ...]

    @property
    def text(self) -> str:
        """Returns its words without what parts them, for a long one is broken anywhere."""
        return "".join(word for word, _, _ in self.words)


@dataclass(kw_only=True)
class Browser:
    """Is one page of a running Chromium.

    Shape: events holds what the page told unasked, in order.
    """

    environ: dict[str, str]
    pdftoppm: str
    pdftotext: str
    reads: int
    writes: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _number: int = 0
    _rest: bytes = b""

    def ask(self, method: str, **given: Any) -> dict[str, Any]:
        """Sends a command of the protocol and returns its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": given}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writes, json.dumps(message).encode() + b"\0")
        while True:
            told = self._told()
            if told.get("id") == self._number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']}")
                result: dict[str, Any] = told["result"]
                return result
            self.events.append(told)

    def _told(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select([self.reads], [], [], _ANSWER_S)[0]:
                raise RuntimeError(f"Chromium said nothing for {_ANSWER_S:g} s")
            piece = os.read(self.reads, 1 << 20)
            if not piece:
                raise RuntimeError("Chromium has ended")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(line)
        return told

    def open(self, path: Path) -> None:
        """Loads a file and waits until it is there."""
        self.events.clear()
        self.ask("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._told())

    def value(self, script: str) -> Any:
        """Returns what a script finds in the page; it runs beside the page's own policy."""
        result = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(str(result["exceptionDetails"]))
        return result["result"].get("value")

    def resize(self, width: int, height: int = 900) -> None:
        """Gives the window another size in pixels."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def media(self, kind: str = "screen", *, dark: bool = False) -> None:
        """Shows the page on screen or as printed, to eyes that want it light or dark."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", media=kind, features=[scheme])

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Takes a picture of the page, or of what the window shows of it."""
        answer = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def printed(self, path: Path, *, dark: bool = False) -> list[Sheet]:
        """Prints the page as PDF, backgrounds left out as browsers do; returns its sheets."""
        # A page that is shown as on screen would be printed as on screen too.
        self.media("", dark=dark)
        answer = self.ask("Page.printToPDF", printBackground=False, preferCSSPageSize=True)
        self.media()
        path.write_bytes(base64.b64decode(answer["data"]))
        sheets, words = path.with_suffix(""), path.with_suffix(".words")
        for command in (
            [self.pdftoppm, "-r", "70", str(path), str(sheets)],
            [self.pdftotext, "-raw", "-bbox", str(path), str(words)],
        ):
            subprocess.run(command, env=self.environ, check=True)
        pictures = sorted(path.parent.glob(f"{path.stem}-*.ppm"))
        return [
            Sheet(picture=picture, words=found)
            for picture, found in zip(pictures, _words(words), strict=True)
        ]


def _words(path: Path) -> Iterator[tuple[tuple[str, float, float], ...]]:
    """Yields the words of each sheet in the page's order, as ``pdftotext -raw -bbox`` has them."""
    name = "{http://www.w3.org/1999/xhtml}"
    for sheet in ElementTree.parse(path).iter(f"{name}page"):
        yield tuple(
            (word.text or "", float(word.attrib["xMin"]), float(word.attrib["xMax"]))
            for word in sheet.iter(f"{name}word")
        )


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Yields a browser with an empty page; it keeps its files in the folder.

    Raises: RuntimeError where there is none.
    """
    tree = _tree()
    environ = environment(tree, folder)
    command = [
        _program(tree, "chromium"),
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--hide-scrollbars", "--no-first-run", "--disable-extensions",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}", "about:blank",
    ]  # fmt: skip
    (their_reads, writes), (reads, their_writes) = os.pipe(), os.pipe()
    with (folder / "chromium.log").open("wb") as log:
        # The shell puts the pipes where the browser looks for them.
        placed = f'exec "$@" 3<&{their_reads} 4>&{their_writes}'
        process = subprocess.Popen(
            ["bash", "-c", placed, "chromium", *command],
            pass_fds=(their_reads, their_writes), env=environ, stdout=log, stderr=log,
        )  # fmt: skip
    os.close(their_reads)
    os.close(their_writes)
    browser = Browser(
        environ=environ,
        pdftoppm=_program(tree, "pdftoppm"),
        pdftotext=_program(tree, "pdftotext"),
        reads=reads,
        writes=writes,
    )
    try:
        _attach(browser)
        yield browser
        browser.session = ""
        browser.ask("Browser.close")
        process.wait(_ANSWER_S)
    finally:
        process.kill()
        process.wait()
        os.close(reads)
        os.close(writes)


def _attach(browser: Browser) -> None:
    targets = browser.ask("Target.getTargets")["targetInfos"]
    page = next(target for target in targets if target["type"] == "page")
    answer = browser.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)
    browser.session = answer["sessionId"]
    for domain in ("Page", "Network", "Log", "Runtime", "Accessibility"):
        browser.ask(f"{domain}.enable")
