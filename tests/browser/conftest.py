"""A real browser on a real front end, before the stage and, where COMFYUI_DIR names one, ComfyUI.

These tests exist where Chromium and Playwright are; RUNNINGHUB_CHROMIUM names one and makes them
a must. RUNNINGHUB_SCREENSHOTS: folder for a picture of each state.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rh_api.emulator import Emulator, catalog
from tests.browser.frontends import LATER, NEWEST, OLDEST
from tests.browser.hosts import KINDS, Host, running
from tests.browser.pages import Pages
from tests.support.cloud import cloud, emulator, in_thread

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.canvas import Canvas

CHROMIUM = (
    os.environ.get("RUNNINGHUB_CHROMIUM")
    # The same without a window's own pages, which a whole one draws beside each of ours.
    or shutil.which("chromium-headless-shell")
    or shutil.which("chromium")
)
IS_MUST = "RUNNINGHUB_CHROMIUM" in os.environ
HERE = IS_MUST or (CHROMIUM and importlib.util.find_spec("playwright"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Other machines are not there. To answer in their place, Playwright would take every request
    # in hand and leave out the browser's cache: a third of what a page costs.
    # This machine has a name of its own too, as behind a tunnel.
    "--host-resolver-rules=MAP studio.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-proxy-server",
]

__all__ = ["cloud", "emulator"]

collect_ignore_glob = [] if HERE else ["test_*.py"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", KINDS, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # A front end of 100 MB on two busy cores, and sometimes a ComfyUI to start.
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture
def models_account(emulator: Emulator) -> None:
    """The account may run standard models, and can pay for them."""
    emulator.account.kind = "SHARED"
    emulator.account.money = Decimal(1000)


@pytest.fixture
def own_cloud() -> Iterator[tuple[Emulator, str]]:
    """A RunningHub that no other host ever heard of."""
    with in_thread() as cloud:
        yield cloud


class Chromium:
    """The one browser of this process. Its loop must be gone before async tests."""

    def __init__(self) -> None:
        self._closing = contextlib.ExitStack()
        self._pages: Pages | None = None

    def pages(self) -> Pages:
        if self._pages is None:
            from playwright.sync_api import sync_playwright

            playwright = self._closing.enter_context(sync_playwright())
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            self._closing.callback(browser.close)
            self._pages = Pages(browser)
        return self._pages

    def close(self) -> None:
        self._closing.close()
        self._pages = None


CHROMIUMS = Chromium()


FAILED = pytest.StashKey[bool]()
"""Whether a test failed; of one that is tried again, whether its last try did."""


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    if call.when != "teardown":
        item.stash[FAILED] = call.excinfo is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None, object, object]:
    try:
        return (yield)
    finally:
        if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
            CHROMIUMS.close()


@pytest.fixture(scope="session", autouse=True)
def _browser_closed() -> Iterator[None]:
    """Where the tests are stopped amid this folder."""
    yield
    CHROMIUMS.close()


@pytest.fixture
def pages() -> Pages:
    return CHROMIUMS.pages()


@pytest.fixture
def browser(pages: Pages) -> Browser:
    return pages.browser


@pytest.fixture(scope="session")
def ports() -> Callable[[str], int]:
    """A port by the front end, on which one plain stage follows the other: a page goes on there."""

    @functools.cache
    def port(frontend: str) -> int:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return free.getsockname()[1]

    return port


@pytest.fixture(scope="session")
def account(cloud: tuple[Emulator, str]) -> dict[str, str]:
    """The variables by which a host knows an account of the emulator."""
    emulator, base_url = cloud
    return {"RUNNINGHUB_BASE_URL": base_url, "RUNNINGHUB_API_KEY": emulator.default_key}


@pytest.fixture(scope="session")
def segments_account(account: dict[str, str]) -> dict[str, str]:
    """The same, and a saved workflow that marked parts are sent under."""
    return {**account, "RUNNINGHUB_SEGMENT_WORKFLOW": catalog.INVERT}


@pytest.fixture(scope="session")
def comfyuis(
    segments_account: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Host]]:
    """A ComfyUI by its front end, each started once: that takes longer than a test."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def comfyui(frontend: str) -> Host:
            base = tmp_path_factory.mktemp("comfy")
            return stack.enter_context(running("comfy", frontend, base, segments_account))

        yield comfyui


@pytest.fixture
def hosts(
    segments_account: dict[str, str],
    comfyuis: Callable[[str], Host],
    new_host: Callable[..., Host],
    ports: Callable[[str], int],
    request: pytest.FixtureRequest,
) -> Callable[[str, str], Host]:
    """Hosts by their kind and front end. Whoever gets a stage is its first user: no order, cost,
    setting or file of another test is there. ComfyUIs are shared. Tests marked `one_page` get the
    page of the former test, set back (`pages.py`)."""
    is_one_page = request.node.get_closest_marker("one_page") is not None
    started: set[str] = set()

    def host(kind: str, frontend: str) -> Host:
        if kind == "comfy":
            return comfyuis(frontend)
        if frontend in started or not is_one_page:
            return new_host(frontend, **segments_account)
        started.add(frontend)
        plain = new_host(frontend, port=ports(frontend), **segments_account)
        plain.is_plain = True
        return plain

    return host


@pytest.fixture
def new_host(kind: str, tmp_path: Path) -> Iterator[Callable[..., Host]]:
    """Starts hosts for one test alone; without more words they know no account."""
    with contextlib.ExitStack() as stack:

        def start(frontend: str = NEWEST, port: int = 0, **env: str) -> Host:
            base = tmp_path / kind
            return stack.enter_context(running(kind, frontend, base, env, port))

        yield start


@pytest.fixture
def opened(pages: Pages, request: pytest.FixtureRequest) -> Iterator[Callable[..., Canvas]]:
    """Opens canvases: `opened(host, classic=True)` is a canvas in Chinese with the old renderer."""
    from tests.browser.canvas import Canvas

    with contextlib.ExitStack() as stack:

        def open_canvas(host: Host, *, classic: bool = False) -> Canvas:
            before = len(host.said())
            # Shown when the test fails.
            stack.callback(lambda: sys.stdout.write(host.said()[before:]))
            canvas = stack.enter_context(
                Canvas.opened(pages, host, name=request.node.name, classic=classic)
            )

            @stack.callback
            def _() -> None:
                if request.node.stash[FAILED]:
                    canvas.change_page()

            return canvas

        yield open_canvas


@pytest.fixture
def canvas(
    kind: str,
    hosts: Callable[[str, str], Host],
    opened: Callable[..., Canvas],
    emulator: Emulator,
) -> Canvas:
    """The newest front end with Nodes 2.0, in English."""
    return opened(hosts(kind, NEWEST))


@pytest.fixture
def oldest(request: pytest.FixtureRequest) -> str:
    """The oldest front end, or a later one where the test is marked so."""
    return LATER if request.node.get_closest_marker("later") else OLDEST


@pytest.fixture
def classic(
    kind: str,
    oldest: str,
    hosts: Callable[[str, str], Host],
    opened: Callable[..., Canvas],
    emulator: Emulator,
) -> Canvas:
    """The oldest front end with the classic renderer, in Chinese."""
    return opened(hosts(kind, oldest), classic=True)


@pytest.fixture(params=["newest", "classic"])
def either(
    request: pytest.FixtureRequest,
    kind: str,
    oldest: str,
    hosts: Callable[[str, str], Host],
    opened: Callable[..., Canvas],
    emulator: Emulator,
) -> Canvas:
    """Each of the two: the newest, and the oldest with the classic renderer in Chinese."""
    classic = request.param == "classic"
    return opened(hosts(kind, oldest if classic else NEWEST), classic=classic)
