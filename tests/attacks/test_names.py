"""Names from the cloud: whatever they hold, files appear only where and as we say."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rh_api.cli.entry import main
from rh_api.client import Client
from rh_api.emulator import Emulator, catalog
from tests.attacks.conftest import CANARY, files
from tests.support.jobs import paint
from tests.support.pictures import plain_png
from tests.support.service import results_are

NAMES = (
    "../../x.py",
    "../../../../../../etc/cron.d/x",
    "..\\..\\x.py",
    "..",
    ".",
    "....//....//x.py",
    "/etc/passwd",
    "//host/share/x.png",
    "C:\\x",
    "C:x.png",
    "C:/Windows/System32/x.dll",
    "\\\\host\\share\\x.png",
    "\\\\?\\C:\\x.png",
    "CON.png",
    "con",
    "NUL",
    "AUX.txt.png",
    "COM1.png",
    "LPT9",
    "x.png\0.py",
    "\0",
    "x\nSet-Cookie: a=b.png",
    "x\r\n\r\n.png",
    "x\t.png",
    "\x1b[2J.png",
    "x" * 300 + ".png",
    "\N{CJK UNIFIED IDEOGRAPH-56FE}" * 150 + ".png",
    ".png/.bat",
    "x.png/",
    "x.png.",
    "x.png ",
    " .png",
    "x.png::$DATA",
    "x.png:stream.exe",
    ".htaccess",
    "__init__.py",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
    "x\N{ZERO WIDTH SPACE}.png",
    "~/x.png",
    "$HOME/x.png",
    "%2e%2e%2fx.py",
    "`id`.png",
    "x;rm -rf .png",
    "<script>.png",
    "orders.sqlite3",
)


async def test_no_name_leads_out_of_the_state_folder(
    client: Client, emulator: Emulator, home: Path
) -> None:
    assert len(set(NAMES)) >= 40
    emulator.faults.append(results_are(plain_png()))
    for number, name in enumerate(NAMES):
        emulator.result_name = name
        outcome = await client.run(paint(f"name {number}"))
        (result,) = outcome.results
        assert result.path is not None
        assert re.fullmatch(
            r"state/runninghub-results/\d+/0000\.png", result.path.relative_to(home).as_posix()
        )
        assert result.path.read_bytes() == plain_png()
    assert {path.relative_to(home).parts[0] for path in files(home)} == {"state"}


def test_no_name_leads_out_of_the_persons_folder(
    emulator: Emulator, thread_url: str, home: Path
) -> None:
    emulator.faults.append(results_are(plain_png()))
    variables = {
        "RUNNINGHUB_API_KEY": CANARY,
        "RUNNINGHUB_BASE_URL": thread_url,
        "RUNNINGHUB_STATE": str(home / "state"),
    }
    some = NAMES[:: len(NAMES) // 8]
    for number, name in enumerate(some):
        emulator.result_name = name
        out, err = io.StringIO(), io.StringIO()
        argv = ("run", catalog.TEXT_TO_IMAGE, "--set", f"6.text=name {number}")
        assert main((*argv, "--out", str(home / "out")), out, err, variables) == 0, err.getvalue()
    saved = files(home / "out")
    assert len(saved) == len(some)
    assert all(re.fullmatch(r"[0-9A-Za-z_-]+\.png", path.name) for path in saved)
    assert {path.relative_to(home).parts[0] for path in files(home)} == {"state", "out"}
