"""A pasted call example becomes what a person may choose from; its key is nothing to anybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, catalog
from tests.unit.nodes.host import Host, fields_by_name, hosted_without_account, stored_site

KEY = "canary7Key0canary7Key0canary7Key"
PASTED = "0123456789abcdef0123456789abcdef"
PAINT, REDRAW, BLEND = catalog.modules().values()


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    async with hosted_without_account(tmp_path, monkeypatch) as h:
        yield h


@pytest.fixture
async def emulator(host: Host) -> AsyncIterator[Emulator]:
    async with stored_site(host, KEY) as emulator:
        yield emulator


async def test_a_module_is_told_without_asking_the_site(host: Host, emulator: Emulator) -> None:
    before = len(emulator.journal)
    view = await host.post("program", kind="module", text=REDRAW.example(PASTED))
    assert (view["kind"], view["id"], view["link"]) == ("module", f"{REDRAW.webapp_id}/002", "")
    fields = fields_by_name(view)
    assert {name: (field["kind"], field["suggested"]) for name, field in fields.items()} == {
        "10.image": ("IMAGE", True),
        "3.text": ("STRING", True),
        "2.lora_name": ("LORA", True),
        "12.steps": ("INT", True),
    }
    assert fields["2.lora_name"]["resource"] == "LORA"
    assert PASTED not in str(view)
    assert len(emulator.journal) == before


async def test_a_text_that_is_none_is_refused_without_its_key(
    host: Host, emulator: Emulator
) -> None:
    text = REDRAW.example(PASTED)[:-4]
    error = await host.error("program", kind="module", text=text)
    assert error["key"] == "error.quick_unreadable"
    assert PASTED not in str(error)


async def test_styles_come_before_the_accounts_models(host: Host, emulator: Emulator) -> None:
    module = f"{REDRAW.webapp_id}/002"
    styles = await host.post("resources", kind="LORA", words="", module=module)
    names = [(style["name"], style["title"]) for style in styles["models"]]
    assert names[:2] == [("ink_v1.safetensors", "ink"), ("watercolor_v2.safetensors", "watercolor")]
    covers = [style["cover"] for style in styles["models"][:2]]
    pictures = [(await host.post("apps/cover", id=cover))["picture"] for cover in covers]
    assert len({picture for picture in pictures if picture.startswith("data:image/webp")}) == 2
    plain = await host.post("resources", kind="LORA", words="")
    assert {model["name"] for model in plain["models"]} <= {name for name, _ in names}
    assert len({name for name, _ in names}) == len(names)
    matches = await host.post("resources", kind="LORA", words="WATER", module=module)
    assert matches["models"][0]["title"] == "watercolor"
