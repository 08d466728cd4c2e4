"""What a page may see of past orders, and do with them."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sqlite3
import struct
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from rh_api.client import Client, Job
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.emulator.accounts import Account
from rh_api.wire.orders import TaskOptions
from tests.support.jobs import invert, paint, picture
from tests.support.service import results_are
from tests.support.waiting import until
from tests.unit.nodes.conftest import load_pack
from tests.unit.nodes.host import Host


def client() -> Client:
    """The host's own, of the environment's key."""
    return load_pack("nodes.runtime.cloud").client(load_pack("nodes.runtime.config").settings())


def changed(statement: str) -> None:
    """The journal as other processes left it."""
    file = client().settings.state / "orders.sqlite3"
    with closing(sqlite3.connect(file, timeout=30)) as db, db:
        db.execute(statement)


async def run(job: Any) -> str:
    """A job of this process' classes, in the host's own."""
    client_of = load_pack("rh_api.client")
    sources = load_pack("rh_api.run.transfers")
    kinds = load_pack("rh_api.wire.filetypes").Kind
    fields = {
        name: value
        if not hasattr(value, "body")
        else sources.Source(kinds(value.kind.value), value.body, value.suffix, value.mime)
        for name, value in job.fields.items()
    }
    own = {"app": job.app, "title": job.title, "graph": job.graph, "route": job.route}
    own |= {"options": job.options, "reroll_seeds": job.reroll_seeds, "time_limit": job.time_limit}
    host_job = client_of.Job(job.workflow, fields, **own)
    return (await client().run(host_job)).task_id


async def test_orders_are_listed_and_searched(host: Host) -> None:
    task = await run(paint("a fox in snow"))
    await run(invert())
    page = await host.post("history")
    assert [row["order"] for row in page["orders"]] == [2, 1]
    assert page["before"] is None
    (row,) = (await host.post("history", words="FOX"))["orders"]
    assert (row["task_id"], row["state"], row["text"]) == (task, "done", "a fox in snow")
    assert (row["first"], row["results"], row["coins"]) == ("image", 1, "1")
    assert row["profile"] == "environment"
    assert (await host.post("history", words="fox", states=["failed"]))["orders"] == []
    assert len((await host.post("history", since="1d"))["orders"]) == 2
    error = await host.error("history", since="soon")
    assert error["key"] == "error.since"
    assert (await host.error("history", states="done"))["key"] == "node.bad_type"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"6.text": "雪中狐狸", "7.text": "blurry"}, "雪中狐狸"),
        ({"6.text": "a fox", "7.text": "api/" + "0" * 64 + ".png"}, "a fox"),
        ({"6.text": "a fox", "7.text": "https://files.example/a/long/way/to/it"}, "a fox"),
        ({"6.text": "a fox", "7.text": "flux/krea-dev_fp8.safetensors"}, "a fox"),
        ({"6.text": "a fox.", "7.text": "fur"}, "a fox."),
        ({"6.text": "a fox", "9.filename_prefix": "runninghub_1"}, "a fox"),
    ],
)
async def test_an_order_is_listed_with_the_longest_text_that_a_person_wrote(
    host: Host, fields: dict[str, str], text: str
) -> None:
    await run(Job(catalog.TEXT_TO_IMAGE, fields))
    (row,) = (await host.post("history"))["orders"]
    assert row["text"] == text


async def test_an_opened_list_prepares_the_search(host: Host) -> None:
    await run(paint("a fox in snow"))
    assert len((await host.post("history"))["orders"]) == 1

    def noted() -> bool:
        with closing(sqlite3.connect(client().settings.state / "orders.sqlite3")) as db:
            return db.execute("SELECT count(*) FROM words").fetchone() == (1,)

    await until(noted)


async def test_one_order_shows_its_fields_and_results(host: Host) -> None:
    await run(invert())
    shown = await host.post("history/order", order=1)
    assert {"name": "10.image", "label": "10.image", "value": None} in shown["inputs"]
    (result,) = shown["results"]
    assert (result["kind"], result["here"], result["loader"]) == ("image", True, "LoadImage")
    assert not shown["owed"]
    assert (await host.error("history/order", order=77))["key"] == "node.no_order"


async def test_of_a_failure_is_told_what_the_journal_keeps(host: Host, emulator: Emulator) -> None:
    emulator.fail_next = {"node_id": "3", "exception_type": "E", "exception_message": "too big"}
    with pytest.raises(Exception, match="too big"):
        await run(paint())
    store = client()._journal.store._file
    for language, key, sentence in (
        ("en", "error.task_failed", "The order failed. The history does not keep the details"),
        ("en", "error.content_refused", "RunningHub refused the content. "),
        ("zh", "error.content_refused", "RunningHub 拒绝了内容。"),
        ("zh", "error.task_cancelled", "任务已在云端取消"),
    ):
        await host.speak(language)
        store.change("UPDATE orders SET error_key = ?", (key,))
        failure = (await host.post("history/order", order=1))["failure"]
        assert failure.startswith(sentence)
        assert "1000" in failure


async def test_a_thumbnail_is_small_and_made_once(host: Host, emulator: Emulator) -> None:
    big = io.BytesIO()
    Image.new("RGB", (1500, 700), (9, 8, 7)).save(big, "PNG")
    emulator.faults.append(results_are(big.getvalue()))
    await run(paint())
    first = (await host.post("history/thumbnail", order=1))["picture"]
    head, data = first.split(",")
    assert head == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert max(picture.size) == 256
    (thumbnail,) = (host.state / "runninghub-results" / "1").glob("*.thumbnail.webp")
    written = thumbnail.stat().st_mtime_ns
    assert (await host.post("history/thumbnail", order=1))["picture"] == first
    assert thumbnail.stat().st_mtime_ns == written


async def test_the_thumbnail_of_a_phone_s_video_is_upright(host: Host, emulator: Emulator) -> None:
    """Stored as it lies in the sensor, red at its left, and turned by a flag."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        pixels = np.full((32, 64, 3), (0, 0, 255), np.uint8)
        pixels[:, :32] = (255, 0, 0)
        output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        output.mux(stream.encode(None))
    data = file.getvalue()
    place = data.index(b"tkhd") + 44
    matrix = struct.pack(">9I", 0, 0x10000, 0, 0xFFFF0000, 0, 0, 0, 0, 0x40000000)
    emulator.faults.append(results_are(data[:place] + matrix + data[place + 36 :]))
    await run(paint())
    url = (await host.post("history/thumbnail", order=1))["picture"]
    with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as picture:
        assert picture.size == (32, 64)
        red, _, blue = picture.getpixel((16, 8))
        assert red > blue  # its left is above, once it is turned to the right


async def test_a_result_that_is_no_picture_has_no_thumbnail(host: Host, emulator: Emulator) -> None:
    emulator.faults.append(results_are(b"\x89PNG\r\n\x1a\n" + bytes(600)))
    await run(paint())
    assert await host.post("history/thumbnail", order=1) == {"picture": ""}


async def test_a_file_is_served_to_own_pages_alone(host: Host) -> None:
    await run(invert())
    url = host.server.make_url("/runninghub/history/result?order=1&index=0")
    async with host.page.get(url) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert (await answer.read()).startswith(b"\x89PNG")
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        async with host.page.get(url, headers=headers) as answer:
            assert answer.status == 403


@pytest.mark.parametrize(
    "stored",
    ["../../secret.txt", "results/../secret.txt", "/etc/passwd", "results/1/../../secret.txt"],
)
async def test_no_file_outside_its_folder_is_served(host: Host, stored: str) -> None:
    await run(invert())
    (host.state / "secret.txt").write_text("key")
    store = client()._journal.store._file
    store.change("UPDATE results SET path = ? WHERE order_id = 1", (stored,))
    for path in ("history/result?order=1&index=0", "history/result?order=1&index=../0"):
        async with host.page.get(host.server.make_url(f"/runninghub/{path}")) as answer:
            assert answer.status == 400
    assert (await host.error("history/loader", order=1, index=0))["key"] == "node.no_result"


async def test_what_a_page_could_run_is_only_saved(host: Host, emulator: Emulator) -> None:
    hostile = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    emulator.faults.append(results_are(hostile, "image/svg+xml"))
    await run(paint())
    url = host.server.make_url("/runninghub/history/result?order=1&index=0")
    async with host.page.get(url) as answer:
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_result_becomes_an_input_of_comfyui(host: Host, tmp_path: Path) -> None:
    task = await run(invert())
    loader = await host.post("history/loader", order=1, index=0)
    assert (loader["node"], loader["widget"]) == ("LoadImage", "image")
    file = tmp_path / "input" / loader["value"]
    assert task in file.name
    # ComfyUI's loaders list the folder itself: what lies deeper is "missing" after a reload.
    assert file.parent == tmp_path / "input"
    assert file.read_bytes().startswith(b"\x89PNG")
    assert await host.post("history/loader", order=1, index=0) == loader
    assert [path.name for path in file.parent.glob("runninghub*")] == [file.name]


@pytest.mark.parametrize(
    ("name", "loader"),
    [
        ("a.png", ("LoadImage", "image", "runninghub-a.png")),
        ("a.mp4", ("LoadVideo", "file", "runninghub-a.mp4")),
        ("a.wav", ("LoadAudio", "audio", "runninghub-a.wav")),
        ("a.glb", ("Load3D", "model_file", "3d/a.glb")),
        ("a.txt", None),
        ("a.zip", None),
    ],
)
async def test_each_kind_has_the_node_that_loads_it(
    host: Host, tmp_path: Path, name: str, loader: tuple[str, str, str] | None
) -> None:
    past_orders = load_pack("nodes.runtime.past_orders")
    (tmp_path / name).write_bytes(b"x")
    assert past_orders.loader_of(tmp_path / name) == (loader[0] if loader else None)
    if loader is not None:
        chosen = past_orders.make_input(tmp_path / name, name)
        assert (chosen["node"], chosen["widget"], chosen["value"]) == loader


async def test_inputs_are_told_with_files_by_their_names_in_the_cloud(
    host: Host, emulator: Emulator
) -> None:
    await run(invert())
    inputs = await host.post("history/inputs", order=1)
    assert (inputs["kind"], inputs["program"], inputs["gone"]) == ("workflow", catalog.INVERT, [])
    assert inputs["values"]["10.image"].endswith(".png")
    changed("DELETE FROM uploads")
    inputs = await host.post("history/inputs", order=1)
    assert (inputs["values"], inputs["gone"]) == ({}, ["10.image"])
    error = await host.error("history/again", order=1)
    assert error["key"] == "node.inputs_gone"
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("is_ours", [True, False])
async def test_a_picture_that_a_node_would_send_alike_comes_with_its_loader(
    host: Host, tmp_path: Path, is_ours: bool
) -> None:
    """With other bytes the same inputs would be another order."""
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    if is_ours:
        data = load_pack("nodes.values.codecs.png").encode_png(pixels)
    else:
        Image.fromarray(pixels).save(buffer := io.BytesIO(), "png")
        data = buffer.getvalue()
    await run(Job(catalog.INVERT, {"10.image": replace(picture(), body=data)}))
    loaders = (await host.post("history/inputs", order=1))["loaders"]
    if not is_ours:
        assert loaders == {}
        return
    loader = loaders["10.image"]
    assert (loader["node"], loader["widget"]) == ("LoadImage", "image")
    assert (tmp_path / "input" / loader["value"]).read_bytes() == data


async def test_the_same_is_ordered_anew(host: Host, emulator: Emulator) -> None:
    task = await run(paint("again"))
    new = (await host.post("history/again", order=1))["task_id"]
    assert new != task
    assert emulator.counters.orders == 2
    listed = (await host.post("history", words="again"))["orders"]
    assert [order["task_id"] for order in listed] == [new, task]


async def test_what_had_new_seeds_has_new_ones_when_it_is_ordered_anew(
    host: Host, emulator: Emulator
) -> None:
    fields = {"6.text": "a moth", "5.width": 64, "5.height": 64}
    await run(Job(catalog.TEXT_TO_IMAGE, fields, reroll_seeds=True))
    await host.post("history/again", order=1)
    sent = [
        {entry["fieldName"] for entry in request.json["nodeInfoList"]}
        for request in emulator.journal
        if request.path == "/task/openapi/create"
    ]
    assert sent == [{"text", "width", "height"}] * 2
    assert (await host.post("history/inputs", order=2))["options"]["reroll_seeds"] is True


async def test_the_options_that_make_an_order_are_brought_back_with_its_inputs(
    host: Host,
) -> None:
    options = TaskOptions(add_metadata=False)
    await run(paint("kept warm", options=options, time_limit=90))
    await run(paint("plain"))
    assert (await host.post("history/inputs", order=1))["options"] == {
        "add_metadata": False,
        "use_personal_queue": False,
        "retain_seconds": 0,
        "timeout": 90,
        "reroll_seeds": False,
    }
    assert (await host.post("history/inputs", order=2))["options"] == {
        "add_metadata": True,
        "use_personal_queue": False,
        "retain_seconds": 0,
        "timeout": 0,
        "reroll_seeds": False,
    }


async def test_a_request_that_is_sent_twice_orders_once(host: Host, emulator: Emulator) -> None:
    await run(paint("twice"))
    first = await host.post("history/again", order=1, request="a press")

    def both_are_done() -> bool:
        with closing(sqlite3.connect(client().settings.state / "orders.sqlite3")) as db:
            done = db.execute("SELECT count(*) FROM orders WHERE state = 'done'").fetchone()
        return done == (2,)

    await until(both_are_done)  # while it runs, any equal order is that one
    assert await host.post("history/again", order=1, request="a press") == first
    assert emulator.counters.orders == 2


async def test_a_request_that_may_have_ordered_is_not_tried_again(
    host: Host, emulator: Emulator
) -> None:
    await run(paint("uncertain"))
    emulator.faults.append(Fault("/task/openapi/create", "lost_reply"))
    for _ in range(2):
        error = await host.error("history/again", order=1, request="a press")
        assert error["key"] == "error.uncertain"
    assert emulator.counters.orders == 2


async def test_a_refused_request_is_tried_again(host: Host, emulator: Emulator) -> None:
    await run(paint("refused"))
    emulator.faults.append(Fault("/task/openapi/create", "code", value=416))
    await host.error("history/again", order=1, request="a press")
    assert (await host.post("history/again", order=1, request="a press"))["task_id"]
    assert emulator.counters.orders == 2


async def test_a_module_is_ordered_anew_by_the_example_that_was_kept(
    host: Host, emulator: Emulator
) -> None:
    module, *_ = catalog.modules().values()
    text = module.example("0123456789abcdef0123456789abcdef")
    job = load_pack("rh_api.client").Job(quick=text, fields={"6.text": "a moth"})
    first = await client().run(job)
    new = (await host.post("history/again", order=1))["task_id"]
    assert new != first.task_id
    before, after = [entry.json for entry in emulator.journal if entry.path.endswith("/run")]
    seeds = [
        info.pop("fieldValue")
        for order in (before, after)
        for info in order["nodeInfoList"]
        if info["fieldName"] == "seed"
    ]
    assert before == after, seeds
    inputs = await host.post("history/inputs", order=1)
    assert (inputs["kind"], inputs["values"]["6.text"]) == ("quick", "a moth")
    assert module.webapp_id in inputs["example"]
    assert "0123456789abcdef" not in host.said

    # A row of an older version does not have it.
    changed("UPDATE orders SET what = json_remove(what, '$.example')")
    assert (await host.error("history/again", order=1))["key"] == "node.example_not_kept"
    assert emulator.counters.orders == 2


def inverted(**more: Any) -> Job:
    """A graph whose picture goes up, under the id of a saved workflow; `more` is in its loader."""
    graph = catalog.workflows()[catalog.INVERT].graph
    graph["10"] = {**graph["10"], "inputs": {**graph["10"]["inputs"], "image": "", **more}}
    return replace(invert(), graph=graph)


def sent(emulator: Emulator) -> list[Any]:
    """The graphs of all orders."""
    creates = [entry.json for entry in emulator.journal if entry.path == "/task/openapi/create"]
    return [json.loads(create["workflow"]) for create in creates]


async def test_a_part_of_a_graph_is_ordered_anew_as_it_was(host: Host, emulator: Emulator) -> None:
    task = await run(inverted())
    new = (await host.post("history/again", order=1))["task_id"]
    assert new != task
    graph, again = sent(emulator)
    assert graph == again
    assert graph["10"]["inputs"]["image"].endswith(".png")
    assert any(
        isinstance(value, list) for node in graph.values() for value in node["inputs"].values()
    )
    inputs = [await host.post("history/inputs", order=number) for number in (1, 2)]
    assert inputs[0]["values"] == inputs[1]["values"]
    # A page opens it as a workflow: its files alone have to be given again.
    assert inputs[0]["lacking"] == ["10.image"]
    part = inputs[0]["graph"]
    part["10"]["inputs"]["image"] = graph["10"]["inputs"]["image"]
    assert part == graph

    changed("DELETE FROM uploads")
    error = await host.error("history/again", order=1)
    assert (error["key"], emulator.counters.orders) == ("node.inputs_gone", 2)
    assert "10.image" in error["message"]


async def test_files_that_are_here_go_up_once_more_with_a_part_that_is_ordered_anew(
    host: Host, emulator: Emulator, tmp_path: Path
) -> None:
    lora, picture = tmp_path / "loras" / "my style.safetensors", tmp_path / "photo.png"
    lora.parent.mkdir()
    lora.write_bytes(b"a style" * 1000)
    Image.new("RGB", (8, 8), "red").save(picture)
    transfers = load_pack("rh_api.run.transfers")
    graph = catalog.workflows()[catalog.LORA_TEXT_TO_IMAGE].graph
    graph["20"]["inputs"]["lora_name"] = ""
    styled = Job(
        catalog.LORA_TEXT_TO_IMAGE,
        {f"20.{name}": transfers.LoraFile(lora) for name in ("file_name", "lora_name")},
        graph=graph,
    )
    for job in (
        styled,
        replace(inverted(), fields={"10.image": transfers.Source.of_file(picture)}),
    ):
        await run(job)
    changed("DELETE FROM uploads")
    for order in (1, 2):
        assert (await host.post("history/again", order=order))["task_id"]
    lora_graph, picture_graph, *again = sent(emulator)
    assert [lora_graph, picture_graph] == again
    assert lora_graph["20"]["inputs"]["file_name"].endswith(".safetensors")
    # A page opens the part with ComfyUI's own loader of it.
    inputs = await host.post("history/inputs", order=1)
    loader = inputs["graph"]["20"]
    assert (loader["class_type"], inputs["lacking"]) == ("LoraLoader", [])
    assert loader["inputs"].keys() == lora_graph["20"]["inputs"].keys() - {"file_name"}
    assert loader["inputs"]["lora_name"] == lora.name

    lora.write_bytes(b"another" * 1000)
    picture.unlink()
    changed("DELETE FROM uploads")
    for order, name in ((1, "20.file_name"), (2, "10.image")):
        error = await host.error("history/again", order=order)
        assert error["key"] == "node.inputs_gone"
        assert name in error["message"]
    lacking = [(await host.post("history/inputs", order=order))["lacking"] for order in (1, 2)]
    assert lacking == [["20.lora_name"], ["10.image"]]
    assert emulator.counters.orders == 4


async def test_a_part_by_the_native_route_is_ordered_anew_by_it(
    host: Host, emulator: Emulator
) -> None:
    await run(replace(inverted(), route="native"))
    assert (await host.post("history/again", order=1))["task_id"]
    assert emulator.counters.orders == 2
    assert sent(emulator) == []


async def test_a_graph_that_was_not_kept_whole_is_not_ordered_anew(
    host: Host, emulator: Emulator
) -> None:
    await run(inverted(extra=["word"] * 20_000))
    assert (await host.error("history/again", order=1))["key"] == "node.graph_not_kept"
    # Nor is one of an older version's journal, which is shown all the same.
    await run(inverted())
    changed("UPDATE orders SET what = json_remove(what, '$.rest')")
    assert (await host.error("history/again", order=2))["key"] == "node.graph_not_kept"
    assert (await host.post("history/order", order=2))["inputs"]
    assert emulator.counters.orders == 2


async def test_a_refusal_of_running_again_is_told(host: Host, emulator: Emulator) -> None:
    await run(paint())
    emulator.faults.append(Fault("/task/openapi/create", "code", value=416))
    assert "message" in await host.error("history/again", order=1)
    assert emulator.counters.orders == 1


async def test_deleting_takes_files_and_words_and_leaves_the_cost(host: Host) -> None:
    await run(paint("a secret"))
    await host.post("history/thumbnail", order=1)
    assert await host.post("history/delete", orders=[1, 99]) == {"deleted": [1]}
    assert (await host.post("history"))["orders"] == []
    assert not (host.state / "runninghub-results" / "1").exists()
    assert (await host.post("spend"))["all"]["coins"] == "1"
    assert (await host.error("history/delete", orders=[]))["key"] == "node.bad_type"
    assert (await host.error("history/delete", orders=["x"]))["key"] == "node.bad_type"


async def test_what_the_sandbox_ran_has_no_unknown_cost(
    host: Host, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.tells_costs = False
    await run(paint("one"))
    with_key = await host.post("spend")
    monkeypatch.delenv("RUNNINGHUB_API_KEY")
    for spend in (with_key, await host.post("spend")):
        for total in (spend["today"], spend["all"], *spend["days"], *spend["programs"]):
            assert (total["orders"], total["untold"], total["coins"]) == (1, 0, None)
        assert [row["name"] for row in spend["programs"]] == ["Text to image"]


async def test_without_a_key_what_another_account_has_run_is_not_the_sandboxs(
    host: Host, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service behind an address of this machine, as a proxy's, is no sandbox."""
    emulator.tells_costs = False
    emulator.accounts["a" * 32] = Account()
    monkeypatch.setenv("RUNNINGHUB_API_KEY", "a" * 32)
    await run(paint("one"))
    monkeypatch.delenv("RUNNINGHUB_API_KEY")
    spend = await host.post("spend")
    assert (spend["all"]["orders"], spend["all"]["untold"]) == (1, 1)


async def test_spend_is_told_in_days_programs_and_as_csv(host: Host) -> None:
    await run(paint("one"))
    await run(invert())
    spend = await host.post("spend", days=30)
    assert spend["balance"].endswith(" coins")
    assert spend["today"]["coins"] == spend["week"]["coins"] == spend["all"]["coins"] == "2"
    assert [day["orders"] for day in spend["days"]] == [2]
    assert {row["program"] for row in spend["programs"]} == {catalog.TEXT_TO_IMAGE, catalog.INVERT}
    named = {row["name"]: (row["kind"], row["id"]) for row in spend["programs"]}
    assert named == {
        "Text to image": ("workflow", catalog.TEXT_TO_IMAGE),
        "Invert a picture": ("workflow", catalog.INVERT),
    }
    listed = (await host.post("history"))["orders"]
    assert {(row["name"], row["kind"]) for row in listed} == {(n, k) for n, (k, _) in named.items()}
    assert spend["csv"]["day"].startswith("day,")
    assert (await host.error("spend", days=0))["key"] == "node.bad_type"


async def test_bounds_of_what_is_kept_are_kept(host: Host) -> None:
    await run(invert())
    now = await host.post("retention")
    assert (now["days"], now["orders"], now["frees"]) == (30, 10_000, {"orders": 0, "bytes": 0})
    assert now["kept"] > 0
    # A graph that is kept counts, and goes with its order.
    await run(inverted(extra=["word"] * 5_000))
    more = await host.post("retention")
    assert more["kept"] > now["kept"] + 40_000
    await host.post("history/delete", orders=[2])
    assert (await host.post("retention"))["kept"] == now["kept"]
    answer = await host.post("retention", days=7, keep=True)
    assert answer["days"] == 7
    assert (await host.post("retention"))["days"] == 7
    for name, value in {"days": 0, "orders": 1, "bytes": "all"}.items():
        assert (await host.error("retention", **{name: value}))["key"] == "node.bad_type"


async def test_public_apps_are_listed_with_covers_made_anew(host: Host) -> None:
    first = await host.post("apps")
    assert len(first["apps"]) == 50
    assert first["next"] == 2
    app = first["apps"][0]
    assert app["id"] in catalog.apps()
    picture = (await host.post("apps/cover", id=app["id"]))["picture"]
    with Image.open(io.BytesIO(base64.b64decode(picture.split(",")[1]))) as cover:
        assert max(cover.size) == 256
    assert await host.post("apps/cover", id="1") == {"picture": ""}
    assert (await host.error("apps", sort="FREE"))["key"] == "node.bad_type"


HOSTILE_COVERS = {
    "a script": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "a page": b"<html><body onload=alert(1)>" * 9,
    "nothing": b"",
    "half a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "a picture of a billion pixels": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
    + struct.pack(">2I5B", 40_000, 40_000, 8, 2, 0, 0, 0)
    + bytes(4),
}


@pytest.mark.parametrize("case", HOSTILE_COVERS)
async def test_a_hostile_cover_is_no_picture_and_leaves_no_file(
    host: Host, emulator: Emulator, case: str
) -> None:
    app = (await host.post("apps"))["apps"][0]
    emulator.faults.append(results_are(HOSTILE_COVERS[case]))
    assert await host.post("apps/cover", id=app["id"]) == {"picture": ""}
    scratch = load_pack("nodes.runtime.config").scratch_folder()
    assert list(scratch.glob("cover-*")) == []


async def test_a_cover_on_another_host_is_not_fetched(host: Host, emulator: Emulator) -> None:
    gallery = load_pack("nodes.routes.gallery")
    (await host.post("apps"))
    name = (emulator.base_url, "1")
    gallery._addresses[name] = "https://evil.example/cover.png"
    assert await host.post("apps/cover", id="1") == {"picture": ""}


async def test_what_is_under_way_says_how_it_is_doing(host: Host, emulator: Emulator) -> None:
    emulator.run_seconds = 60
    waiting = asyncio.ensure_future(run(paint("slow")))
    await until(lambda: emulator.tasks)
    tasks: list[Any] = []
    # Placed, and for a moment not followed yet.
    while not (tasks and tasks[0]["followed"] and tasks[0]["line"]):
        tasks = (await host.post("now"))["tasks"]
        await asyncio.sleep(0.02)
    (task,) = tasks
    assert task["program"] == catalog.TEXT_TO_IMAGE
    waiting.cancel()
    await asyncio.wait((waiting,))


async def test_looking_back_needs_no_key(
    host: Host, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.accounts["a" * 32] = Account()  # the default key is the sandbox's
    monkeypatch.setenv("RUNNINGHUB_API_KEY", "a" * 32)
    await run(paint("a fox in snow"))
    monkeypatch.delenv("RUNNINGHUB_API_KEY")
    (row,) = (await host.post("history", words="fox"))["orders"]
    assert (row["state"], row["profile"], row["coins"]) == ("done", "", "1")
    assert (await host.post("history/order", order=row["order"]))["inputs"]
    assert (await host.post("history/thumbnail", order=row["order"]))["picture"]
    spent = await host.post("spend")
    assert spent["all"]["coins"] == spent["programs"][0]["coins"] == "1"
    assert (spent["limits"], spent["balance"]) == ([], "")
    assert await host.post("now") == {"tasks": []}
