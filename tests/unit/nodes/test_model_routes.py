"""Standard models as a page is told of them: the choice, what one takes and costs, newer ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rh_api.emulator import Emulator
from rh_api.emulator.accounts import Account
from rh_api.models.index import PATH
from rh_api.models.stored import read_model
from tests.support.waiting import until
from tests.unit.nodes.conftest import load_pack
from tests.unit.nodes.host import Host, fields_by_name, hosted_without_account, stored_site

KEY = "canary7Key0canary7Key0canary7Key"
PAINTER = "rhart-image-n-pro/text-to-image"
EDITOR = "rhart-image-n-pro/edit"
FILM = "alibaba/happyhorse-1.1/text-to-video"


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    async with hosted_without_account(tmp_path, monkeypatch) as h:
        yield h


@pytest.fixture
async def emulator(host: Host) -> AsyncIterator[Emulator]:
    """The service of the default profile, whose key may run models."""
    async with stored_site(host, KEY, Account(kind="SHARED", money=100)) as emulator:
        yield emulator


async def form(host: Host, text: str, **more: Any) -> dict[str, Any]:
    return await host.post("program", kind="model", text=text, **more)


async def test_the_choice_needs_no_key_and_is_in_the_pages_language(host: Host) -> None:
    listing = await host.post("models", words="kling", task="RHImageToVideo", limit=2)
    assert len(listing["models"]) == 2 < listing["found"] < listing["total"]
    listing = await host.post("models", words="kling 3.0 pro", task="RHImageToVideo")
    first = listing["models"][0]
    assert first["task"] == "image-to-video"
    assert (first["task_name"], first["family"]) == ("image to video", "Kling")
    assert "IMAGE" in first["takes"]
    await host.speak("zh")
    again = await host.post("models", words="可灵 3.0 pro", task="RHImageToVideo")
    same = next(row for row in again["models"] if row["endpoint"] == first["endpoint"])
    assert (same["task_name"], same["other"]) == ("图生视频", first["name"])
    # Favourites, one of which is gone.
    gone = "rhart-image-g-1.5/text-to-image"
    favourites = await host.post("models", only=[gone, PAINTER, "no/such"])
    listed = [(row["endpoint"], row["status"]) for row in favourites["models"]]
    assert listed == [(gone, "gone"), (PAINTER, "active")]


async def test_a_price_stands_where_a_list_says_it(host: Host, emulator: Emulator) -> None:
    (row,) = (await host.post("models", only=[FILM]))["models"]
    assert "0.92 CNY a second" in row["price"]
    order = {"model": FILM, "values": {"resolution": "720p", "duration": "10", "prompt": None}}
    price = await host.post("models/price", **order, count=3)
    assert (price["amount"], price["total"], price["currency"]) == ("6.9", "20.7", "CNY")
    assert (await host.post("models/price", **order, count=10))["total"] == "69"
    # Of what the other site asks the lists say nothing.
    await host.post("profiles/save", name="ai", origin="https://www.runninghub.ai", key=KEY)
    elsewhere = await host.post("models/price", **order, profile="ai")
    assert elsewhere == {"text": "", "amount": None, "total": None, "currency": ""}


async def test_a_model_is_told_as_a_program(host: Host, emulator: Emulator) -> None:
    program = await form(host, EDITOR)
    assert (program["kind"], program["id"], program["status"]) == ("model", EDITOR, "active")
    assert (program["notice"], program["successor"], program["outputs"]) == ("", None, [])
    assert program["typed"] == [0]
    model = read_model(program["model"])
    assert model is not None
    assert model.endpoint == EDITOR
    fields = fields_by_name(program)
    assert fields["imageUrls"]["array"]
    assert fields["imageUrls"]["kind"] == "IMAGE"
    assert fields["prompt"]["multiline"]
    assert fields["prompt"]["required"]
    assert fields["resolution"]["options"]
    assert (fields["imageUrls"]["label"], fields["prompt"]["label"]) == ("Images", "Prompt")
    assert fields["imageUrls"]["description"].startswith("imageUrls · ")
    await host.speak("zh")
    chinese = fields_by_name(await form(host, EDITOR))
    assert chinese["imageUrls"]["label"] == "图片"
    await host.speak("en")
    # Asking tells nobody anything.
    assert (await form(host, EDITOR))["hash"] == program["hash"]
    assert [e.path for e in emulator.journal if "openapi" in e.path] == []


async def test_conditions_and_what_may_stay_open_are_told(host: Host) -> None:
    fields = fields_by_name(await form(host, "kling-v3.0-pro/text-to-video"))
    assert fields["multiPrompt"]["when"] == {"name": "multiShot", "values": ["true"]}
    assert fields["multiPrompt"]["kind"] == "JSON"
    named = fields_by_name(await form(host, "kling-lip-sync/identify-face"))
    assert named["videoUrl"]["excludes"] == ["videoId"]
    seed = fields_by_name(await form(host, FILM))["seed"]
    assert (seed["seed"], seed["blank"], seed["suggested"]) == (True, True, False)


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("rhart-image-g-1.5/text-to-image", "gone", "successor is rhart-image-g-2/text-to-image"),
        ("new-vendor/text-to-image", "unlisted", "extra"),
    ],
)
async def test_a_model_that_is_not_offered_is_told_with_a_notice(
    host: Host, text: str, status: str, words: str
) -> None:
    program = await form(host, text)
    assert program["status"] == status
    assert words in program["notice"]
    assert (program["successor"] is not None) == (status == "gone")


@pytest.mark.parametrize("text", ["klingg", "https://www.runninghub.ai/post/7", ""])
async def test_what_leads_to_no_model_is_said(host: Host, text: str) -> None:
    error = await host.error("program", kind="model", text=text)
    assert error["hint"] == "model"
    assert error["key"].startswith("error.model_")


async def test_a_profile_that_is_not_here_is_said(host: Host) -> None:
    assert (await host.error("models", profile="nobody"))["hint"] == "no_profile"


async def test_new_models_are_there_after_a_refresh_without_a_key(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Emulator(strict=True)
    async with service.serve() as url:
        monkeypatch.setenv("RUNNINGHUB_BASE_URL", url)
        before = await form(host, PAINTER)
        service.add_model("acme/boats/text-to-image", name="boats", parameters=[{"name": "prompt"}])
        refresh = await host.post("models/refresh")
        assert refresh["added"] == 1, refresh
        assert "1 added" in refresh["text"]
        assert (await form(host, "boats"))["status"] == "active"
        assert (await form(host, PAINTER))["hash"] == before["hash"]
        assert not any("authorization" in map(str.lower, e.headers) for e in service.journal)


async def test_a_preview_tells_nothing_of_the_person(host: Host, emulator: Emulator) -> None:
    emulator.preview_placeholders = "accepted"
    secret = "a very private sentence"
    values = {"prompt": secret, "resolution": "2k", "imageUrls.1": None}
    preview = await host.post("models/preview", model=EDITOR, values=values)
    assert float(preview["amount"]) > 0
    (sent,) = [e.json for e in emulator.journal if "price-preview" in e.path]
    assert len(sent["prompt"]) == len(secret)
    assert sent["prompt"] != secret
    assert sent["imageUrls"] == ["https://www.example.com/placeholder.png"]
    assert sent["resolution"] == "2k"
    assert emulator.counters.orders == 0


async def test_a_price_is_told_in_the_words_of_the_language(host: Host, emulator: Emulator) -> None:
    emulator.preview_placeholders = "accepted"
    await host.speak("zh")
    price = await host.post("models/preview", model=EDITOR, values={"prompt": "x"})
    assert price["currency"] in ("元", "美元")


async def test_a_preview_of_placeholders_that_are_refused_is_a_sentence(
    host: Host, emulator: Emulator
) -> None:
    error = await host.error("models/preview", model=EDITOR, values={"prompt": "x"})
    assert error["key"] == "error.price_refused"
    assert "placeholders for your texts and files" in error["message"]


def looks(emulator: Emulator) -> int:
    return sum(entry.path == PATH for entry in emulator.journal)


async def test_the_daily_look_begins_with_the_first_use(
    host: Host, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await host.post("models", words="kling")
    monkeypatch.setenv("RUNNINGHUB_RENEW_MODELS", "off")
    await form(host, PAINTER)
    assert looks(emulator) == 0
    monkeypatch.delenv("RUNNINGHUB_RENEW_MODELS")
    assert not (await host.post("models/renewal", on=False))["renews_models"]
    await form(host, PAINTER)
    assert looks(emulator) == 0
    assert (await host.post("models/renewal", on=True))["renews_models"]
    emulator.add_model("acme/boats/text-to-image", name="boats", parameters=[{"name": "prompt"}])
    await form(host, PAINTER)
    await until(lambda: looks(emulator) == 1)
    models = load_pack("nodes.runtime.model_catalogues").catalogue()
    await until(lambda: "acme/boats/text-to-image" in models.catalogue.models)
    await form(host, PAINTER)
    assert looks(emulator) == 1
