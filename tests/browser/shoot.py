"""Takes the picture of a report that the documentation shows, from a log that is always the same.

``python -m tests.browser.shoot docs/report.png`` writes it anew.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.browser.chromium import chromium
from tests.report import sample
from vlanlog.render import html

SIZE = (1120, 1010)


def shoot(picture: Path) -> None:
    """Writes the upper part of the sample report as a PNG."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(html.page(sample.report(), utc=True), encoding="utf-8")
        with chromium(Path(folder)) as browser:
            browser.resize(*SIZE)
            browser.media()
            browser.open(page)
            browser.picture(picture, whole=False)


if __name__ == "__main__":
    shoot(Path(sys.argv[1]))
