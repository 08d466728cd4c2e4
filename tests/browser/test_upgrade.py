"""A page of the new version takes no script of the old one out of the browser's cache."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from tests.browser.hosts import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCRIPTS = ROOT / "web" / "js"
PAGE = """<script type="module">
    import { lazy } from "./host/lazy.js";
    document.title = (await lazy("features/shown.mjs")).said;
</script>"""


class LikeComfyUI(http.server.SimpleHTTPRequestHandler):
    """Scripts of a page are never kept, others for as long as a browser likes."""

    extensions_map: ClassVar[dict[str, str]] = {
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".html": "text/html",
    }

    def end_headers(self) -> None:
        is_cached = self.path.split("?")[0].endswith(".mjs")
        self.send_header("Cache-Control", "max-age=86400" if is_cached else "no-store")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    (tmp_path / "host").mkdir()
    (tmp_path / "features").mkdir()
    shutil.copy(SCRIPTS / "host" / "lazy.js", tmp_path / "host")
    (tmp_path / "index.html").write_text(PAGE)
    handler = functools.partial(LikeComfyUI, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path, f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def install(site: Path, version: str) -> None:
    now = (SCRIPTS / "version.js").read_text()
    before, _, after = now.partition('VERSION = "')
    (site / "version.js").write_text(f'{before}VERSION = "{version}{after[after.index(chr(34)) :]}')
    (site / "features" / "shown.mjs").write_text(f'export const said = "from {version}";')


def test_a_lazy_module_of_the_old_version_is_not_met_again(
    browser: Browser, site: tuple[Path, str]
) -> None:
    folder, url = site
    context = browser.new_context()
    page = context.new_page()
    for version in ("1.0.0", "1.0.1"):
        install(folder, version)
        page.goto(url)
        page.wait_for_function("() => document.title")
        assert page.title() == f"from {version}"
    # It is the address that did it: what was kept under the first one is still there.
    install(folder, "1.0.0")
    (folder / "features" / "shown.mjs").write_text('export const said = "changed";')
    page.goto(url)
    page.wait_for_function("() => document.title")
    assert page.title() == "from 1.0.0"
    context.close()
