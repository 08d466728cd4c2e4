"""Standard models from the person's side: one path with all else, typed, priced and safe."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rh_api.client import Client, Job, Progress, Source, Stage, Stopped
from rh_api.emulator import Emulator, Fault
from rh_api.emulator.accounts import example_key
from rh_api.emulator.models import listings
from rh_api.errors import (
    BadField,
    BadInput,
    CatalogueRefused,
    ContentRefused,
    Fate,
    KeyRefused,
    PlanRefused,
    Refused,
    RunningHubError,
    ServiceFault,
    TaskFailed,
    Uncertain,
)
from rh_api.wire.filetypes import Kind
from tests.client.conftest import MakeClient
from tests.support.jobs import PAINTER, paint_by_model, picture
from tests.support.service import UPLOAD, bodies, pages_are_shells

EDITOR = "rhart-image-n-pro/edit"
KLING = "kling-video-o3-pro/reference-to-video"


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client(RUNNINGHUB_API_KEY=example_key("shared"))


def sell(emulator: Emulator, endpoint: str, name_cn: str = "") -> None:
    """Another painter."""
    painter = emulator.models[PAINTER]
    emulator.models[endpoint] = replace(
        painter, endpoint=endpoint, name=endpoint, name_cn=name_cn or endpoint, status="active"
    )


async def test_a_model_is_ordered_followed_and_fetched(client: Client, emulator: Emulator) -> None:
    outcome = await client.run(paint_by_model())
    (result,) = outcome.results
    assert result.type is not None
    assert result.type.kind is Kind.IMAGE
    assert Decimal(outcome.usage.third_party_money or "0") > 0
    assert bodies(emulator, PAINTER) == [{"prompt": "a cat", "resolution": "1k"}]
    # What was made is served again, and an equal wish in other words is the same order.
    fields = {"prompt": "a cat", "resolution": "1K"}
    again = await client.run(
        Job(model=f"{client.settings.origin}/openapi/v2/{PAINTER}", fields=fields)
    )
    assert again.kept
    assert emulator.counters.orders == 1


async def test_pictures_of_a_list_travel_in_order_as_addresses(
    client: Client, emulator: Emulator
) -> None:
    fields = {"prompt": "x", "imageUrls": [picture(1), picture(2)], "imageUrls.1": picture(3)}
    await client.run(Job(model=EDITOR, fields={**fields, "resolution": "1k"}))
    (body,) = bodies(emulator, EDITOR)
    uploads = list(emulator.uploads.values())
    assert len(body["imageUrls"]) == len(uploads) == 3
    sent = [emulator.store.read_url(address) for address in body["imageUrls"]]
    assert sent == [picture(1).body, picture(2).body, picture(3).body]


@pytest.mark.parametrize(
    ("endpoint", "fields", "kinds"),
    [
        ("rhart-audio/text-to-audio/speech-2.8-hd", {"text": "hello"}, ["audio"]),
        ("meshy6/text-to-3d", {"prompt": "a chair"}, ["file", "image"]),
        ("rhart-video-s/text-to-video", {"prompt": "waves"}, ["video"]),
        (
            "alibaba/qwen-image-2.0/text-to-image",
            {"prompt": "two", "imageNum": "2"},
            ["image", "image"],
        ),
    ],
)
async def test_results_of_every_kind_and_several_of_a_task(
    client: Client, endpoint: str, fields: dict[str, Any], kinds: list[str]
) -> None:
    outcome = await client.run(Job(model=endpoint, fields=fields))
    result_kinds = [result.type.kind.value if result.type else "file" for result in outcome.results]
    assert result_kinds == kinds
    if endpoint.endswith("3d"):
        file = outcome.results[0].path
        assert file is not None
        assert file.suffix == ".glb"
        assert file.read_bytes()[:4] == b"glTF"


async def test_a_text_is_a_result(client: Client) -> None:
    model = next(
        entry for entry in client.models.search(task="text-to-text") if len(entry.parameters) < 6
    )
    outcome = await client.run(Job(model=model.endpoint, fields={"prompt": "who are you"}))
    assert "who are you" in (outcome.results[0].text or "")


async def test_an_endpoint_that_nobody_listed_runs_by_extra_alone(
    client: Client, emulator: Emulator
) -> None:
    sell(emulator, "new-vendor/text-to-image")
    extra = {"prompt": "a cat", "resolution": "1k"}
    outcome = await client.run(Job(model="new-vendor/text-to-image", extra=json.dumps(extra)))
    assert outcome.results
    assert bodies(emulator, "new-vendor/text-to-image") == [extra]


async def test_a_node_runs_by_the_schema_that_it_kept(client: Client, emulator: Emulator) -> None:
    sell(emulator, "new-vendor/text-to-image")
    schema = {
        "endpoint": "new-vendor/text-to-image",
        "parameters": [
            {"name": "prompt", "type": "STRING", "required": True},
            {"name": "resolution", "type": "COMBO", "options": ["1k", "2k"]},
        ],
    }
    fields = {"prompt": "a cat", "resolution": "2K"}
    job = Job(model="new-vendor/text-to-image", fields=fields, schema=schema)
    assert (await client.run(job)).results
    assert bodies(emulator, "new-vendor/text-to-image") == [{"prompt": "a cat", "resolution": "2k"}]
    # One of another model says nothing of this one.
    with pytest.raises(BadField, match="knows no parameters"):
        await client.run(replace(job, schema={**schema, "endpoint": "other/model"}))


# Before anything is paid


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "prompt"),
        ({"prompt": "x", "seed": 1}, "is not a parameter"),
        ({"prompt": ["a", "b"]}, "one value"),
        ({"prompt": "x", "aspectRatio": "7:1"}, "send anyway"),
    ],
)
async def test_what_cannot_work_is_refused_before_any_upload(
    client: Client, emulator: Emulator, fields: dict[str, Any], words: str
) -> None:
    pictures = {"imageUrls": [picture()]}
    with pytest.raises(BadField, match=words):
        await client.run(Job(model=EDITOR, fields={**fields, **pictures}))
    assert emulator.counters.upload_bytes == emulator.counters.orders == 0


async def test_a_doubt_is_sent_anyway_and_the_service_decides(
    client: Client, emulator: Emulator
) -> None:
    with pytest.raises(Refused, match="aspectRatio must be one of") as caught:
        await client.run(
            Job(model=PAINTER, fields={"prompt": "x", "aspectRatio": "7:1"}, send_anyway=True)
        )
    assert caught.value.code == 1007
    assert caught.value.fate is Fate.NOT_STARTED
    assert emulator.counters.orders == 0


async def test_a_file_that_is_too_large_for_its_model_is_doubted(client: Client) -> None:
    large = Source(Kind.IMAGE, bytes(11 * 2**20), ".png", "image/png")
    model = "alibaba/happyhorse-1.0/image-to-video"
    with pytest.raises(BadField, match=r"11\.0 MB.*10 MB"):
        await client.run(Job(model=model, fields={"imageUrl": large}))


@pytest.mark.parametrize("key", ["", "dedicated"])
async def test_a_key_that_may_not_use_models_learns_it_before_any_upload(
    make_client: MakeClient, emulator: Emulator, key: str
) -> None:
    named = {"RUNNINGHUB_API_KEY": example_key(key)} if key else {}
    client = make_client(**named)
    job = Job(model=EDITOR, fields={"prompt": "x", "imageUrls": picture()})
    with pytest.raises(PlanRefused, match="enterprise shared"):
        await client.run(job)
    assert emulator.counters.upload_bytes == emulator.counters.orders == 0


async def test_a_model_that_is_gone_names_what_follows_it(client: Client) -> None:
    with pytest.raises(BadInput, match="successor is rhart-image-g-2/text-to-image"):
        await client.run(Job(model="rhart-image-g-1.5/text-to-image", fields={"prompt": "x"}))
    with pytest.raises(BadInput, match="no successor is known"):
        await client.run(Job(model="cinematic-video-generator", extra={"prompt": "x"}))


async def test_a_model_that_was_withdrawn_can_still_be_tried(client: Client) -> None:
    name = "rhart-image-g-1.5/text-to-image-[Deprecated]"
    with pytest.raises(BadInput, match="rhart-image-g-2/text-to-image"):
        client.models.form(name)
    emulated = {"prompt": "x", "aspectRatio": "auto"}
    with pytest.raises((ServiceFault, Uncertain)) as caught:
        await client.run(Job(model=name, fields=emulated, send_anyway=True))
    assert caught.value.code == 1000


async def test_a_link_of_the_other_site_is_told_apart(make_client: MakeClient) -> None:
    client = make_client(RUNNINGHUB_BASE_URL="https://www.runninghub.ai")
    with pytest.raises(BadInput, match=r"runninghub\.cn"):
        await client.check(Job(model=f"https://www.runninghub.cn/openapi/v2/{PAINTER}"))


# What the service says


async def test_a_model_that_is_not_active_for_the_key(client: Client, emulator: Emulator) -> None:
    emulator.inactive_models = (PAINTER,)
    with pytest.raises(KeyRefused, match="not activated") as caught:
        await client.run(paint_by_model())
    assert caught.value.fate is Fate.NOT_STARTED


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (1501, ContentRefused, "Change the prompt"),
        (1505, ContentRefused, "real person"),
        (1504, Exception, "did not finish in time"),
    ],
)
async def test_how_a_model_fails_has_words_of_its_own(
    client: Client,
    emulator: Emulator,
    code: int,
    kind: type[Exception],
    words: str,
) -> None:
    emulator.fail_next = {"error_code": code, "error_message": "no"}
    with pytest.raises(kind, match=words):
        await client.run(paint_by_model())
    assert emulator.counters.orders == 1


async def test_a_lost_reply_is_a_question_and_not_sent_again(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(f"/openapi/v2/{PAINTER}", "lost_reply"))
    with pytest.raises(Uncertain):
        await client.run(paint_by_model())
    with pytest.raises(Uncertain):
        await client.run(paint_by_model())
    assert emulator.counters.orders == 1


def edit(prompt: str) -> Job:
    return Job(model=EDITOR, fields={"prompt": prompt, "imageUrls": picture(), "resolution": "1k"})


async def test_an_upload_that_the_service_lost_is_sent_again(
    client: Client, emulator: Emulator
) -> None:
    await client.run(edit("one"))
    emulator.store.uploads.clear()
    assert (await client.run(edit("two"))).results
    assert emulator.counters.orders == 2


@pytest.mark.parametrize(("code", "earlier"), [(1001, False), (1013, True), (1013, False)])
async def test_a_task_that_could_not_fetch_its_file_is_not_paid_for_again(
    client: Client, emulator: Emulator, code: int, earlier: bool
) -> None:
    if earlier:
        await client.run(edit("one"))
    emulator.fail_next = {"error_code": code, "error_message": "no file"}
    with pytest.raises(TaskFailed):
        await client.run(edit("two"))
    counters = emulator.counters
    assert (counters.orders, counters.under("/openapi/v2/media/upload")) == (1 + earlier, 1)
    await client.run(edit("two"))
    assert counters.under("/openapi/v2/media/upload") == 2


@pytest.mark.parametrize("earlier", [True, False])
async def test_a_file_that_cannot_be_processed_is_a_question_and_goes_up_anew(
    client: Client, emulator: Emulator, earlier: bool
) -> None:
    if earlier:
        await client.run(edit("one"))
    emulator.faults.append(Fault(f"/openapi/v2/{EDITOR}", "code", value=1013))
    with pytest.raises(Uncertain):
        await client.run(edit("two"))
    requests = emulator.counters.requests
    assert (requests[f"/openapi/v2/{EDITOR}"], requests[UPLOAD]) == (1 + earlier, 1)
    assert (await client.run(replace(edit("two"), again=True))).results
    assert requests[UPLOAD] == 2


# Stop


async def stopped(client: Client, emulator: Emulator, run_seconds: float = 3.0) -> None:
    emulator.run_seconds = run_seconds
    ordered = asyncio.Event()

    def watch(news: Progress) -> None:
        if news.stage in (Stage.QUEUED, Stage.RUNNING):
            ordered.set()

    running = asyncio.ensure_future(client.run(paint_by_model(), watch))
    await ordered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("unknown_seconds", [0.0, 3600.0], ids=["known", "not known yet"])
@pytest.mark.parametrize("answer", ["refused", "ignored"])
async def test_a_task_that_cannot_be_stopped_goes_on_and_serves_the_next_run(
    make_client: MakeClient, emulator: Emulator, answer: Any, unknown_seconds: float
) -> None:
    emulator.model_cancel, emulator.unknown_seconds = answer, unknown_seconds
    stops: list[Stopped] = []
    key = example_key("shared")
    client = make_client(RUNNINGHUB_API_KEY=key, stopped=stops.append)
    await stopped(client, emulator)
    await client.close()
    assert [(stop.confirmed, stop.goes_on) for stop in stops] == [(False, True)]
    assert emulator.counters.requests["/task/openapi/cancel"] == 1
    (task,) = emulator.tasks.values()
    assert task.status == "RUNNING"

    emulator.unknown_seconds = 0.0
    outcome = await make_client(RUNNINGHUB_API_KEY=key).run(paint_by_model())
    assert outcome.task_id == task.id
    assert outcome.results
    assert emulator.counters.orders == 1


async def test_a_task_that_cannot_be_stopped_is_asked_once_more_at_the_next_start(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.model_cancel = "ignored"
    key = example_key("shared")
    first = make_client(RUNNINGHUB_API_KEY=key)
    await stopped(first, emulator, run_seconds=3600.0)
    await first.close()
    stops: list[Stopped] = []
    second = make_client(RUNNINGHUB_API_KEY=key, stopped=stops.append)
    await second.open_orders()
    await second.close()
    assert [(stop.from_before, stop.goes_on) for stop in stops] == [(True, True)]
    assert emulator.counters.requests["/task/openapi/cancel"] == 2


async def test_a_task_that_can_be_stopped_is(client: Client, emulator: Emulator) -> None:
    emulator.model_cancel = "works"
    await stopped(client, emulator)
    await client.close()
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"


# Prices


async def test_a_price_is_asked_for_with_nothing_of_the_person_s(
    client: Client, emulator: Emulator
) -> None:
    emulator.preview_placeholders = "accepted"
    fields = {
        "prompt": "the secret of the lighthouse",
        "imageUrls": ["https://private.example.com/a.png"],
        "duration": 7,
    }
    quote = await client.models.preview_of(client.models.find(KLING), fields)
    assert quote.amount is not None
    (body,) = [e.json for e in emulator.journal if "price-preview" in e.path]
    assert body["duration"] == 7
    assert len(body["prompt"]) == len(fields["prompt"])
    assert "secret" not in json.dumps(body)
    assert "private" not in json.dumps(body)
    assert emulator.counters.orders == 0


@pytest.mark.parametrize("kind", ["html", "status"])
async def test_a_price_that_is_not_told_says_nothing_of_an_order(
    client: Client, emulator: Emulator, kind: Any
) -> None:
    emulator.faults.append(Fault("/openapi/v2/price-preview", kind, None))
    with pytest.raises(RunningHubError) as caught:
        await client.models.preview_of(client.models.find(KLING), {"prompt": "a fox"})
    assert caught.value.fate is Fate.NO_ORDER
    assert "othing was started" not in str(caught.value)


async def test_a_price_that_is_refused_for_its_placeholders_is_not_known(client: Client) -> None:
    with pytest.raises(Exception, match="cannot be processed"):
        await client.models.preview_of(
            client.models.find(KLING), {"prompt": "x", "imageUrls": ["https://a.example/b.png"]}
        )


def test_a_list_price_is_told_at_once_but_not_for_the_other_site(make_client: MakeClient) -> None:
    fields = {"duration": 5, "sound": True, "prompt": "x"}
    models = make_client().models
    model = models.find("kling-video-o3-std/image-to-video")
    here = models.price_of(model, fields)
    assert here is not None
    assert here.amount == Decimal("3.45")
    international = make_client(RUNNINGHUB_BASE_URL="https://www.runninghub.ai").models
    assert international.price_of(model, fields) is None
    mainland = make_client(RUNNINGHUB_BASE_URL="https://www.runninghub.cn").models
    assert mainland.price_of(model, fields) == here


# Refreshing


async def test_a_model_that_appears_is_found_and_run_without_a_restart(
    client: Client, emulator: Emulator
) -> None:
    assert not (await client.models.refresh()).added
    sell(emulator, "new-vendor/painter/text-to-image", "新画家")
    emulator.remove_model("luma/uni-1/text-to-image")
    changes = await client.models.refresh()
    assert (changes.added, changes.gone) == (
        ("new-vendor/painter/text-to-image",),
        ("luma/uni-1/text-to-image",),
    )
    assert client.models.search("新画家")[0].endpoint == "new-vendor/painter/text-to-image"
    job = Job(model="新画家", fields={"prompt": "a cat", "resolution": "2k"})
    assert (await client.run(job)).results
    # No key went out with what anybody may read.
    entries = [e for e in emulator.journal if "api-doc" in e.path]
    assert entries
    assert not any("Authorization" in e.headers for e in entries)


async def test_what_is_as_it_was_is_not_read_again_and_kept_over_a_restart(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    sell(emulator, "new/painter", "新")
    first = make_client()
    assert first.models.is_due()
    assert (await first.models.refresh()).added == ("new/painter",)
    assert not first.models.is_due()
    await first.close()
    emulator.journal.clear()
    second = make_client()
    assert second.models.find("new/painter").parameters
    assert not await second.models.refresh()
    assert [e.path for e in emulator.journal] == ["/runninghub-api-doc-cn/llms.txt"]
    # A torn file is left aside.
    (file,) = (tmp_path / "state").glob("models-*[0-9].json")
    file.write_text(file.read_text("utf-8")[:1000], "utf-8")
    assert make_client().models.find(PAINTER).parameters


async def test_what_cannot_be_read_leaves_the_models_as_they_were(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(pages_are_shells())
    sell(emulator, "new/painter", "新")
    assert not await client.models.refresh()
    emulator.faults.append(Fault("/runninghub-api-doc-cn/llms.txt", "html", value=200))
    with pytest.raises(CatalogueRefused):
        await client.models.refresh()
    assert len(client.models.catalogue) == 522


HOSTILE = [
    Fault("/runninghub-api-doc-cn/llms.txt", "body", value="x" * 3_000_000, count=None),
    Fault(
        "/runninghub-api-doc-cn/llms.txt",
        "redirect",
        value="https://elsewhere.example/",
        count=None,
    ),
    Fault("/runninghub-api-doc-cn/llms.txt", "status", value=500, count=None),
    Fault("/runninghub-api-doc-cn/llms.txt", "endless", count=None),
    Fault("/runninghub-api-doc-cn/llms.txt", "gzip_bomb", count=None),
    Fault("/runninghub-api-doc-cn/llms.txt", "html", value=200, count=None),
]


@pytest.mark.parametrize("fault", HOSTILE, ids=lambda fault: fault.kind)
async def test_a_hostile_index_costs_one_line_of_the_log_and_nothing_else(
    client: Client, emulator: Emulator, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.faults.append(replace(fault))
    before = client.models.catalogue
    assert await client.models.renew() is None
    assert client.models.catalogue is before
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
    # Not again before tomorrow.
    emulator.faults.clear()
    requests = emulator.counters.requests["/runninghub-api-doc-cn/llms.txt"]
    assert await client.models.renew() is None
    assert emulator.counters.requests["/runninghub-api-doc-cn/llms.txt"] == requests
    assert (await client.run(paint_by_model())).results


async def test_an_index_that_was_cut_takes_no_model_away(
    client: Client, emulator: Emulator
) -> None:
    await client.models.refresh()
    index = listings.index(emulator.documented_models(), emulator.base_url)
    half = index[: len(index) // 2]
    emulator.faults.append(Fault("/runninghub-api-doc-cn/llms.txt", "body", value=half))
    with pytest.raises(CatalogueRefused, match="missing at once"):
        await client.models.refresh(thorough=True)
    assert client.models.form(PAINTER).is_usable


async def test_the_daily_look_tells_what_changed(client: Client, emulator: Emulator) -> None:
    sell(emulator, "new/painter", "新")
    changed = await client.models.renew()
    assert changed is not None
    assert changed.added == ("new/painter",)
    assert await client.models.renew() is None


async def test_a_daily_look_is_bounded_and_the_command_reads_everything(
    client: Client, emulator: Emulator
) -> None:
    for number in range(30):
        sell(emulator, f"new/painter-{number:02}", f"新{number:02}")
    for endpoint in [name for name in emulator.models if not name.startswith("new/")]:
        emulator.remove_model(endpoint)

    def pages() -> int:
        return sum(e.path.endswith(".md") for e in emulator.journal)

    await client.models.refresh()
    assert (pages(), len(emulator.journal)) == (19, 20)
    # The rest comes with the next look, although the index has not changed.
    await client.models.refresh()
    assert emulator.models.keys() == client.models.catalogue.models.keys()
    # The site's own catalogue tells where the documentation cannot be read.
    sell(emulator, "new/painter-30", "新30")
    emulator.site_list_fresh = True
    emulator.faults.append(pages_are_shells())
    assert not (await client.models.refresh()).added
    assert (await client.models.refresh(thorough=True)).added == ("new/painter-30",)


async def test_the_journal_names_the_model(client: Client) -> None:
    await client.run(paint_by_model())
    estimate = await client.costs.estimate(f"model/{PAINTER}", "default")
    assert estimate.runs == 1


# Chains: an id that one model gives and another takes


async def test_an_element_that_was_made_is_referred_to(client: Client, emulator: Emulator) -> None:
    fields: dict[str, Any] = {
        field.name: [picture()] if field.is_array else picture() if field.is_media else "vase"
        for field in client.models.form("kling-elements").parameters
        if field.required
    }
    outcome = await client.run(Job(model="kling-elements", fields=fields))
    element = json.loads(outcome.results[0].text or "")["elementId"]
    shots = {"prompt": "x", "elementList": [{"elementId": element}]}
    assert (await client.run(Job(model=KLING, fields=shots))).results
    assert bodies(emulator, KLING)[0]["elementList"] == [{"elementId": element}]


async def test_an_id_past_its_time_is_refused_by_name(client: Client, emulator: Emulator) -> None:
    song = Source(Kind.AUDIO, b"ID3\x04" + bytes(60), ".mp3", "audio/mpeg")
    emulator.issued_id_ttl = -1
    fields = {"fileUrl": song, "purpose": "audio"}
    uploaded = await client.run(Job(model="mureka-ai/files-upload", fields=fields))
    job = Job(model="mureka-ai/recognize-song", fields={"uploadAudioId": uploaded.results[0].text})
    with pytest.raises(Refused, match="uploadAudioId"):
        await client.run(job)


async def test_a_file_that_is_gone_meanwhile_is_named(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "chair.png"
    body = picture().body
    assert isinstance(body, bytes)
    path.write_bytes(body)
    source = Source.of_file(path)
    path.unlink()
    with pytest.raises(BadInput, match=r"chair\.png"):
        await client.run(Job(model=EDITOR, fields={"prompt": "x", "imageUrls": source}))
    assert emulator.counters.upload_bytes == emulator.counters.orders == 0
