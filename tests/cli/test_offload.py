"""`offload`: marked nodes of a local graph, without any ComfyUI."""

from __future__ import annotations

import json
import shlex
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from rh_api.emulator import Account, Emulator, Fault, catalog
from tests.support.graphs import node

from .conftest import ROOT, Call
from .prompts import graph, written


def test_marked_nodes_run_and_what_comes_back_lands_in_the_folder(
    call: Call, prompt: Path, tmp_path: Path
) -> None:
    ran = call("offload", str(prompt), "--nodes", "2,3", "--out", str(tmp_path / "out"))

    assert ran.code == 0, ran.err
    path = tmp_path / "out" / "made_3_1.png"
    with Image.open(path) as picture:
        assert picture.convert("RGB").getpixel((0, 0)) == (245, 235, 225)
    assert str(path) in ran.out.splitlines()
    assert "4 (SaveImage) reads a result of the cloud" in ran.err


def test_a_saver_of_what_is_here_is_left_to_a_comfyui(
    call: Call, photo: Path, emulator: Emulator, tmp_path: Path
) -> None:
    shown = {**graph(photo.name), "5": node("PreviewImage", images=["1", 0])}
    ran = call(
        "offload", str(written(tmp_path, shown)), "--nodes", "2,3,4,5", "--out", str(tmp_path)
    )
    assert (ran.code, emulator.counters.orders) == (0, 1), ran.err
    assert "5 (PreviewImage) is not ordered" in ran.err

    alone = call("offload", str(written(tmp_path, shown)), "--nodes", "5")
    assert (alone.code, emulator.counters.orders) == (2, 1)
    assert "5 (PreviewImage) is not ordered" in alone.err


def test_a_graph_goes_by_the_native_route(
    call: Call, prompt: Path, emulator: Emulator, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    ran = call("offload", str(prompt), "--nodes", "2,3", "--route", "native", "--out", out)

    assert ran.code == 0, ran.err
    with Image.open(tmp_path / "out" / "made_3_1.png") as picture:
        assert picture.convert("RGB").getpixel((0, 0)) == (245, 235, 225)
    assert emulator.counters.requests["/proxy/{key}/prompt"] == 1


def test_the_native_route_has_no_machine_of_84_gb(
    call: Call, prompt: Path, emulator: Emulator
) -> None:
    options = ("--nodes", "2,3", "--route", "native", "--instance", "ultra")
    ran = call("offload", str(prompt), *options)
    assert (ran.code, emulator.counters.total) == (2, 0)
    assert "24 and 48 GB" in ran.err


def test_what_the_native_route_is_not_for_is_refused_before_an_earlier_part_is_paid(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    later = {"nodes": ["3"], "route": "native", "use_personal_queue": True}
    marks = {"segments": [{"nodes": ["2"]}, later]}
    body = {"prompt": graph(photo.name), "extra_data": {"runninghub": marks}}
    ran = call("offload", str(written(tmp_path, body)))
    assert (ran.code, emulator.counters.total) == (2, 0)
    assert "does not support personal_queue" in ran.err


def test_a_quote_of_a_graph_orders_and_uploads_nothing(
    call: Call, prompt: Path, emulator: Emulator, tmp_path: Path
) -> None:
    before = call("quote", "offload", str(prompt), "--nodes", "2,3", "--json")
    ran = call("offload", str(prompt), "--nodes", "2,3", "--out", str(tmp_path / "out"))
    after = call("quote", "offload", str(prompt), "--nodes", "2,3", "--json")

    assert (before.code, ran.code, after.code) == (0, 0, 0), before.err + after.err
    (order,) = after.document["orders"]
    assert order["text"] != before.document["orders"][0]["text"]  # by an own run now
    assert emulator.counters.orders == 1


def test_a_marked_saver_is_named_by_its_own_id(
    call: Call, prompt: Path, emulator: Emulator, tmp_path: Path
) -> None:
    ran = call(
        "offload", str(prompt), "--nodes", "1,2,3,4", "--out", str(tmp_path / "out"), "--json"
    )

    assert ran.code == 0, ran.err
    (segment,) = ran.document["segments"]
    (result,) = segment["results"]
    assert (segment["id"], result["node_id"], result["kind"]) == ("1", "4", "image")
    assert Path(result["path"]).name == "saved_4_1.png"
    assert segment["task_id"] in emulator.tasks
    assert segment["cost"]["coins"] == "1"


def test_the_same_again_orders_nothing(
    call: Call, prompt: Path, emulator: Emulator, tmp_path: Path
) -> None:
    for _ in range(2):
        assert call("offload", str(prompt), "--nodes", "2", "--out", str(tmp_path)).code == 0
    assert emulator.counters.orders == 1


def test_a_segment_takes_what_an_earlier_one_made(
    call: Call, prompt: Path, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    marks = {"segments": [{"nodes": ["2"]}, {"nodes": ["3"]}]}
    body = {"prompt": graph(photo.name), "extra_data": {"runninghub": marks}}
    ran = call("offload", str(written(tmp_path, body)), "--out", str(tmp_path / "out"), "--json")

    assert ran.code == 0, ran.err
    assert emulator.counters.orders == 2
    last = ran.document["segments"][-1]["results"][-1]
    with Image.open(photo) as before, Image.open(last["path"]) as after:
        assert after.size == (2 * before.width, 2 * before.height)
        assert after.convert("RGB").getpixel((0, 0)) == (245, 235, 225)


@pytest.fixture
def branches(photo: Path, tmp_path: Path) -> Path:
    """A graph with two marked parts that have nothing to do with one another."""
    prompt = {
        **graph(photo.name),
        "5": node("ImageScaleBy", image=["1", 0], upscale_method="nearest-exact", scale_by=3.0),
        "6": node("SaveImage", images=["5", 0], filename_prefix="other"),
    }
    marks = {"segments": [{"nodes": ["2", "3"]}, {"nodes": ["5"]}]}
    return written(tmp_path, {"prompt": prompt, "extra_data": {"runninghub": marks}})


def test_independent_segments_overlap(
    call: Call, branches: Path, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.run_seconds = 1
    ran = call("offload", str(branches), "--out", str(tmp_path / "out"), "--json")

    assert ran.code == 0, ran.err
    first, second = emulator.tasks.values()
    assert second.created < (first.ended or 0)
    assert [segment["id"] for segment in ran.document["segments"]] == ["2", "5"]
    assert {segment["task_id"] for segment in ran.document["segments"]} == set(emulator.tasks)
    for task_id in emulator.tasks:
        assert ran.err.splitlines().count(f"task {task_id}") == 1
    shares = [int(line.split()[0]) for line in ran.err.splitlines() if " %  " in line]
    assert shares == sorted(shares)
    assert shares[-1] == 100


def test_a_segment_that_fails_stops_the_others(
    call: Call, branches: Path, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.run_seconds = 600
    emulator.faults.append(Fault("/task/openapi/create", "code", after=1, value=416))
    ran = call("offload", str(branches), "--out", str(tmp_path / "out"))

    assert ran.code == 1
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"
    assert f"Task {task.id} was cancelled" in ran.err


def test_of_several_orders_without_a_reply_each_is_told_with_its_answer(
    call: Call, branches: Path, emulator: Emulator, tmp_path: Path
) -> None:
    """The first ends the command while the second still asks for the account's load."""
    load = Fault("/openapi/v2/queue/status", "delay", after=2, value=1.5)
    emulator.faults += [Fault("/task/openapi/create", "lost_reply", count=2), load]
    ran = call("offload", str(branches), "--out", str(tmp_path / "out"))

    assert ran.code == 3
    assert len(emulator.tasks) == 2
    assert "No task id came back for order" in ran.err
    for order in (1, 2):
        assert f"task --order {order} --is TASK" in ran.err


def test_what_takes_the_results_of_a_failed_segment_is_not_ordered(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    emulator.fail_next = {"node_id": "2", "exception_message": "too dark"}
    marks = {"segments": [{"nodes": ["2"]}, {"nodes": ["3"]}]}
    body = {"prompt": graph(photo.name), "extra_data": {"runninghub": marks}}
    ran = call("offload", str(written(tmp_path, body)), "--out", str(tmp_path / "out"))

    assert ran.code != 0
    assert ran.err.count("too dark") == 1
    assert emulator.counters.orders == 1


def test_what_did_not_come_withholds_nothing_but_what_takes_it(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    prompt = {
        **graph(photo.name),
        "5": node("ImageInvert", image=["2", 0]),
        "6": node("SaveImage", images=["5", 0], filename_prefix="saved"),
        "7": node("ImageInvert", image=["3", 0]),
        "8": node("SaveImage", images=["7", 0], filename_prefix="later"),
    }
    emulator.empty_nodes = ("7",)  # in the first graph the border's saver, beside the marked one
    marks = {"segments": [{"nodes": ["2", "5", "6"]}, {"nodes": ["3"]}, {"nodes": ["7", "8"]}]}
    body = {"prompt": prompt, "extra_data": {"runninghub": marks}}
    ran = call("offload", str(written(tmp_path, body)), "--out", str(tmp_path / "out"), "--json")

    assert (ran.code, ran.document["error"]["fate"]) == (1, "over")
    assert [segment["id"] for segment in ran.document["segments"]] == ["2"]
    (result,) = ran.document["segments"][0]["results"]
    assert result["node_id"] == "6"
    assert ran.err.count("it returned no result of node 2 (ImageInvert)") == 1
    for order in ("3", "7"):
        assert f"Order {order} was not placed" in ran.err
    assert emulator.counters.orders == 1


def test_a_model_that_the_cloud_does_not_list_is_told_and_ordered(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    (model,) = catalog.UNLISTED
    prompt = catalog.workflows()[catalog.TEXT_TO_IMAGE].graph
    prompt["4"]["inputs"]["ckpt_name"] = model
    named = ("offload", str(written(tmp_path, prompt)), "--nodes", ",".join(prompt))
    ran = call(*named, "--out", str(tmp_path / "out"))

    assert ran.code == 0, ran.err
    assert f'does not list a model "{model}"' in ran.err
    assert "may be billed" in ran.err
    assert emulator.counters.orders == 1
    explained = call(*named, "--explain")
    assert (explained.code, explained.out.count(f'does not list a model "{model}"')) == (0, 1)
    refused = call(*named, "--explain", RUNNINGHUB_MODELS="strict")
    assert (refused.code, model in refused.err) == (2, True)


@pytest.mark.parametrize("route", ["task", "native"])
def test_a_refusal_names_models_that_are_nearest_to_the_one_that_is_not_there(
    call: Call, emulator: Emulator, tmp_path: Path, route: str
) -> None:
    prompt = catalog.workflows()[catalog.TEXT_TO_IMAGE].graph
    prompt["4"]["inputs"]["ckpt_name"] = "exampel_model.safetensors"
    named = ("offload", str(written(tmp_path, prompt)), "--nodes", ",".join(prompt))
    ran = call(*named, "--route", route)

    (refusal,) = (line for line in ran.err.splitlines() if "refused node 4" in line)
    assert "Nearest: example_model.safetensors" in refusal
    assert emulator.counters.orders == 0


def test_a_model_of_a_later_part_is_refused_before_an_earlier_one_is_paid(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    prompt = {
        **graph(photo.name),
        "5": node("CheckpointLoaderSimple", ckpt_name=catalog.UNLISTED[0]),
        "6": node("VAEEncode", pixels=["3", 0], vae=["5", 2]),
        "7": node("VAEDecode", samples=["6", 0], vae=["5", 2]),
        "8": node("SaveImage", images=["7", 0], filename_prefix="again"),
    }
    marks = {"segments": [{"nodes": ["2", "3"]}, {"nodes": ["5", "6", "7"], "models": "strict"}]}
    body = {"prompt": prompt, "extra_data": {"runninghub": marks}}
    ran = call("offload", str(written(tmp_path, body)), "--out", str(tmp_path / "out"))
    assert (ran.code, emulator.counters.orders) == (2, 0), ran.err
    assert catalog.UNLISTED[0] in ran.err


def test_files_are_looked_for_in_the_named_folder(call: Call, photo: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = written(elsewhere, graph(photo.name))
    arguments = ("offload", str(path), "--nodes", "1,2", "--out", str(tmp_path / "out"))

    refused = call(*arguments)
    assert refused.code == 2
    assert photo.name in refused.err
    assert call(*arguments, "--input", str(photo.parent)).code == 0


@pytest.mark.parametrize("name", ["../photo.png", "/etc/hostname", "nothing.png"])
def test_a_name_that_leads_elsewhere_is_no_file(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path, name: str
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    ran = call("offload", str(written(inside, graph(name))), "--nodes", "1,2")

    assert ran.code == 2
    assert name in ran.err
    assert emulator.counters.total == 0


@pytest.mark.parametrize("marked", ["1,2", "2"])
def test_a_file_that_is_no_media_is_not_sent(
    call: Call, emulator: Emulator, tmp_path: Path, marked: str
) -> None:
    (tmp_path / "secret.json").write_text('{"key": "private"}')
    ran = call("offload", str(written(tmp_path, graph("secret.json"))), "--nodes", marked)

    assert ran.code == 2
    assert '"secret.json" is not a picture, sound or video' in ran.err
    assert emulator.counters.total == 0


def test_what_needs_a_node_that_only_comfyui_runs_is_refused_by_name(
    call: Call, prompt: Path, emulator: Emulator
) -> None:
    ran = call("offload", str(prompt), "--nodes", "3")

    assert ran.code == 2
    assert "2 (ImageInvert)" in ran.err
    assert emulator.counters.total == 0


def test_constants_are_written_into_the_graph(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    prompt = graph(photo.name)
    prompt["5"] = node("PrimitiveFloat", value=3.0)
    prompt["3"]["inputs"]["scale_by"] = ["5", 0]
    out = tmp_path / "out"
    ran = call("offload", str(written(tmp_path, prompt)), "--nodes", "1,2,3,4", "--out", str(out))

    assert ran.code == 0, ran.err
    with Image.open(photo) as before, Image.open(out / "saved_4_1.png") as after:
        assert after.width == 3 * before.width


def test_a_named_workflow_and_machine_go_along(
    call: Call, prompt: Path, emulator: Emulator, tmp_path: Path
) -> None:
    named = ("--workflow", "1900000000000000102", "--instance", "plus")
    assert call("offload", str(prompt), "--nodes", "2", "--out", str(tmp_path), *named).code == 0
    (body,) = [e.json for e in emulator.journal if e.path == "/task/openapi/create"]
    assert (body["workflowId"], body["instanceType"]) == ("1900000000000000102", "plus")


def test_a_refused_placeholder_says_what_to_set(
    call: Call, prompt: Path, emulator: Emulator
) -> None:
    emulator.accepts_placeholder_workflow = False
    ran = call("offload", str(prompt), "--nodes", "2", RUNNINGHUB_SEGMENT_WORKFLOW="")

    assert ran.code == 1
    assert "--workflow" in ran.err
    assert emulator.counters.orders == 0


def test_explain_tells_all_and_does_nothing(
    call: Call, prompt: Path, emulator: Emulator, photo: Path
) -> None:
    ran = call("offload", str(prompt), "--nodes", "1,2,3", "--explain", "--json")

    assert ran.code == 0, ran.err
    document = ran.document
    (segment,) = document["segments"]
    assert [entry["id"] for entry in segment["nodes"]] == ["1", "2", "3"]
    (up,) = segment["up"]
    assert (up["kind"], up["name"], up["bytes"]) == ("IMAGE", photo.name, photo.stat().st_size)
    assert up["known"] is False
    (back,) = segment["back"]
    assert (back["kind"], back["from"]["id"], back["to"][0]["id"]) == ("IMAGE", "3", "4")
    assert [entry["id"] for entry in document["local"]] == ["4"]
    assert segment["estimate"]["runs"] == 0
    assert emulator.counters.orders == 0
    assert emulator.counters.upload_bytes == 0

    out = str(prompt.parent / "out")
    assert call("offload", str(prompt), "--nodes", "1,2,3", "--out", out).code == 0
    ran = call("offload", str(prompt), "--nodes", "1,2,3", "--explain", "--json")
    (segment,) = ran.document["segments"]
    assert segment["up"][0]["known"] is True
    assert segment["estimate"]["runs"] == 1


def test_what_it_costs_is_told_once_and_in_what_the_account_pays(
    call: Call, prompt: Path, emulator: Emulator
) -> None:
    shared = "0" * 32
    emulator.accounts[shared] = Account(kind="SHARED", money=Decimal(5), currency="USD")
    argv = ("offload", str(prompt), "--nodes", "1,2,3")
    out = str(prompt.parent / "out")
    assert call(*argv, "--out", out, RUNNINGHUB_API_KEY=shared).code == 0
    ran = call(*argv, "--explain", RUNNINGHUB_API_KEY=shared)
    lines = ran.out.splitlines()
    (usual,) = (line for line in lines if "usually" in line)
    assert usual.endswith(" s (runs: 1)")
    (costs,) = (line for line in lines if "costs" in line)
    assert "USD" in costs
    assert "None" not in ran.out
    assert "coins" not in ran.out


def test_explain_works_without_a_key_and_speaks_to_people(
    call: Call, prompt: Path, variables: dict[str, str]
) -> None:
    del variables["RUNNINGHUB_API_KEY"]
    ran = call("offload", str(prompt), "--nodes", "2", "--explain")

    assert ran.code == 0, ran.err
    assert "runs in the cloud: 2 (ImageInvert)" in ran.out
    assert "comes back: IMAGE of 2 (ImageInvert) for 3 (ImageScaleBy)" in ran.out


@pytest.mark.parametrize(
    ("text", "nodes", "words"),
    [
        ("{}", "2", "no graph"),
        ("[]", "2", "no graph"),
        ("{half", "2", "no graph"),
        (json.dumps(graph()), "99", "99"),
    ],
)
def test_nonsense_is_refused_before_any_request(
    call: Call, emulator: Emulator, tmp_path: Path, text: str, nodes: str, words: str
) -> None:
    path = tmp_path / "prompt.json"
    path.write_text(text)
    ran = call("offload", str(path), "--nodes", nodes)

    assert ran.code == 2
    assert words in ran.err
    assert emulator.counters.total == 0


def test_where_nothing_would_run_it_says_why_of_each_node(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    own = {
        "1": node("PrimitiveInt", value=64),
        "2": node("EmptyImage", width=["1", 0], height=64, batch_size=1, color=0),
        "3": node("SaveImage", images=["2", 0], filename_prefix="out"),
        "4": node("ImageInvert", image=["2", 0]),
    }
    ran = call("offload", str(written(tmp_path, own)), "--nodes", "1,4")

    assert ran.code == 2
    assert "1 (PrimitiveInt) runs here too" in ran.err
    assert "4 (ImageInvert) is marked but does not run: no output needs it" in ran.err
    assert emulator.counters.total == 0


def test_explain_lists_no_node_here_that_does_not_run(
    call: Call, photo: Path, tmp_path: Path
) -> None:
    own = graph(photo.name) | {"5": node("ImageInvert", image=["1", 0])}
    ran = call("offload", str(written(tmp_path, own)), "--nodes", "2,3,5", "--explain", "--json")

    assert [entry["id"] for entry in ran.document["local"]] == ["1", "4"]


def test_a_file_of_the_canvas_is_told_how_to_export_it(call: Call, tmp_path: Path) -> None:
    canvas = {"version": 0.4, "nodes": [{"id": 1, "type": "LoadImage"}], "links": []}
    ran = call("offload", str(written(tmp_path, canvas)), "--nodes", "1")
    assert ran.code == 2
    assert "Export (API)" in ran.err


def test_without_marks_it_asks_which_nodes(call: Call, prompt: Path) -> None:
    ran = call("offload", str(prompt))

    assert ran.code == 2
    assert "--nodes" in ran.err


def test_classes_of_other_packs_come_from_object_info_beside_comfyuis_own(
    call: Call, emulator: Emulator, prompt: Path, photo: Path, tmp_path: Path
) -> None:
    own = graph(photo.name)
    own["2"]["class_type"] = "MyInvert"
    info = tmp_path / "info.json"
    image = {"required": {"image": ["IMAGE", {}]}}
    info.write_text(json.dumps({"MyInvert": {"input": image, "output": ["IMAGE"]}}))
    path = written(tmp_path, own)
    ran = call("offload", str(path), "--nodes", "1,2,3", "--object-info", str(info))

    # The service does not know it, which is told of the node; ComfyUI's own beside it are known.
    assert "node 2 MyInvert of the graph: Node 'MyInvert' not found. Nothing was" in ran.err
    assert emulator.counters.requests["/task/openapi/create"] == 1


def test_a_refusal_after_a_paid_order_tells_what_was_paid(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    marks = {"segments": [{"nodes": ["2"]}, {"nodes": ["3"]}]}
    body = {"prompt": graph(photo.name), "extra_data": {"runninghub": marks}}
    argv = ("offload", str(written(tmp_path, body)), "--out", str(tmp_path / "out"), "--json")
    ran = call(*argv, "--max-cost", "2 coins")

    (task_id,) = emulator.tasks
    assert (ran.code, ran.document["error"]["key"]) == (1, "error.cost_prompt")
    (segment,) = ran.document["segments"]
    assert (segment["task_id"], segment["cost"]["coins"]) == (task_id, "1")
    assert ran.document["other_tasks"] == [task_id]
    assert f"had ordered before that: task {task_id}" in ran.err

    assert call(*argv).code == 0
    assert emulator.counters.orders == 2  # what was paid is not paid again


def test_the_line_of_the_documents_runs_word_for_word(
    call: Call, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = "python -m rh_api offload "
    lines = (ROOT / "docs/cli.md").read_text("utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith(begin))
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs/prompt.json", tmp_path / "docs")
    monkeypatch.chdir(tmp_path)
    ran = call("offload", *shlex.split(line.removeprefix(begin)))
    assert ran.code == 0, ran.err
    assert [path.suffix for path in (tmp_path / "results").iterdir()] == [".png"]
    assert emulator.counters.orders == 1


def test_explain_says_each_thing_once(call: Call, tmp_path: Path) -> None:
    prompt = catalog.workflows()[catalog.TEXT_TO_IMAGE].graph
    ran = call("offload", str(written(tmp_path, prompt)), "--nodes", "3,6,8", "--explain")
    lines = [line.strip() for line in ran.out.splitlines()]
    assert len(set(lines)) == len(lines)
    assert [line.count("goes along") for line in lines if "goes along" in line] == [1, 1, 1]


@pytest.mark.parametrize("nodes", ["2,3", "1,2,3"])
def test_a_video_that_is_edited_as_it_is_loaded_needs_a_comfyui(
    nodes: str, call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"a film")
    edit = {"crop": {"x": 8, "y": 8, "width": 64, "height": 64}}
    film = {
        "1": node("LoadVideo", file="clip.mp4", edit=edit),
        "2": node("GetVideoComponents", video=["1", 0]),
        "3": node("SaveImage", images=["2", 0], filename_prefix="a"),
    }
    ran = call("offload", str(written(tmp_path, film)), "--nodes", nodes, "--out", str(tmp_path))
    assert (ran.code, emulator.counters.total) == (2, 0)
    assert "1 (LoadVideo) edits its video" in ran.err
