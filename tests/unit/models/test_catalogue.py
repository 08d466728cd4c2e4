"""A catalogue file is data from outside: what is not a model is left out,
what is none is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.models.sampling import SHIPPED, shipped

from rh_api.errors import BadInput, CatalogueRefused
from rh_api.models.body import compose
from rh_api.models.catalogue import Catalogue
from rh_api.models.merge import merge_model
from rh_api.models.sanitize import MAX_BYTES, MAX_MODELS, text_of
from rh_api.models.schema import Completeness, Model, Status
from rh_api.models.stored import catalogue_text, model_json, read_catalogue, read_model
from rh_api.wire.model_refs import ModelRef, endpoint_path, is_endpoint, read_model_ref

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["endpoint", "name", "type", "parameters", "rules", "price", "rows", "op"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def file_of(*models: object) -> bytes:
    return json.dumps({"date": "2026-10-01", "models": models}).encode()


@given(st.lists(ANYTHING, max_size=5))
def test_whatever_a_file_lists_is_read_or_refused(listed: list[object]) -> None:
    try:
        catalogue = read_catalogue(file_of(*listed))
    except CatalogueRefused:
        assert not listed
        return
    again = read_catalogue(catalogue_text(catalogue).encode()) if catalogue.models else catalogue
    assert again.models == catalogue.models


@st.composite
def torn_models(draw: st.DrawFn) -> object:
    """A shipped model with anything in up to four places of its JSON."""
    models = [*shipped().models.values()]
    whole: Any = [json.loads(json.dumps(model_json(draw(st.sampled_from(models)))))]
    places: list[tuple[Any, Any]] = [(whole, 0)]
    for holder, key in places:
        value = holder[key]
        if isinstance(value, (dict, list)):
            inner = value if isinstance(value, dict) else range(len(value))
            places += [(value, name) for name in inner]
    for holder, key in draw(st.lists(st.sampled_from(places), max_size=4)):
        holder[key] = draw(ANYTHING)
    return whole[0]


@given(torn_models())
def test_whatever_a_node_kept_is_a_model_or_none(value: object) -> None:
    model = read_model(value)
    if model is not None:
        assert read_model(json.loads(json.dumps(model_json(model)))) == model


@pytest.mark.parametrize("rows", [{"5s": None}, {"5s": 0}, {"5s": 9999, "10s": "?"}])
def test_a_price_list_without_any_price_hides_no_other(rows: object) -> None:
    about: dict[str, object] = {"endpoint": "a/b", "price": {"unit": "run", "rows": rows}}
    (newer,) = read_catalogue(file_of(about)).models.values()
    about["price"] = {"unit": "run", "amount": 0.5}
    (older,) = read_catalogue(file_of(about)).models.values()
    assert newer.price is None
    assert merge_model(older, newer).price == older.price


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_a_usual_value_that_json_lacks_is_none(value: str) -> None:
    parameter = f'{{"name": "scale", "type": "FLOAT", "required": true, "default": {value}}}'
    model = read_model(f'{{"endpoint": "a/b", "parameters": [{parameter}]}}')
    assert model is not None
    assert compose(model, {}).body == {}


def test_every_shipped_model_survives_being_kept_by_a_node() -> None:
    for model in shipped().models.values():
        assert read_model(json.loads(json.dumps(model_json(model)))) == model


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"<!doctype html>",
        b'{"models": {}}',
        b'{"models": []}',
        SHIPPED.read_bytes()[: SHIPPED.stat().st_size // 2],
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"models": [' + b" " * MAX_BYTES + b"]}",
        file_of(*[{"endpoint": f"a/b{n}"} for n in range(MAX_MODELS + 1)]),
    ],
    ids=lambda data: f"{len(data)} bytes",
)
def test_what_is_no_catalogue_is_refused(data: bytes) -> None:
    with pytest.raises(CatalogueRefused):
        read_catalogue(data)


def test_two_hundred_megabytes_are_refused_unread() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return 200_000_000

    with pytest.raises(CatalogueRefused, match="too many"):
        read_catalogue(Huge(file_of({"endpoint": "a/b"})))


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "two\nlines",
        "\u202egnp.exe",
        "\0null",
        "x" * 10_000,
    ],
)
def test_a_name_is_one_bounded_line_of_text(name: str) -> None:
    model = read_catalogue(file_of({"endpoint": "a/b", "name": name})).models["a/b"]
    assert len(model.name) <= 300
    assert model.name.isprintable()
    assert model.name == text_of(name)


def test_keys_that_may_not_stand_in_a_body_are_left_out() -> None:
    about = {
        "endpoint": "a/b",
        "parameters": [
            {"name": name, "type": "STRING"} for name in ("ok", "apiKey", "__proto__", "a b", 5, "")
        ],
    }
    model = read_model(about)
    assert model is not None
    assert [param.name for param in model.parameters] == ["ok"]


def test_successors_in_a_circle_lead_nowhere() -> None:
    gone = [
        Model("a/a", "A", status=Status.GONE, successor="a/b"),
        Model("a/b", "B", status=Status.GONE, successor="a/a"),
        Model("a/c", "C", status=Status.GONE, successor="a/d"),
        Model("a/d", "D", status=Status.WITHDRAWN, successor="a/e"),
        Model("a/e", "E"),
    ]
    catalogue = Catalogue(gone, date="")
    assert catalogue.successor(gone[0]) is None
    assert catalogue.successor(gone[2]) == gone[4]
    with pytest.raises(BadInput, match="no successor is known"):
        catalogue.check_offered(gone[0])
    with pytest.raises(BadInput, match="successor is a/e"):
        catalogue.check_offered(gone[2])
    catalogue.check_offered(gone[4])


# Endpoints


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "../../task/openapi/create",
        "a/../b",
        "./a",
        "a/.",
        "a/...",
        "a b",
        "a?b",
        "a#b",
        "a%2fb",
        "a\\b",
        "a\n",
        "可灵",
        "run/workflow/1",
        "RUN/workflow/1",
        "query",
        "price-preview/a",
        "media/upload/binary",
        "queue/status",
        "api-key/list",
        "resource/list",
        "aiapp/list",
        "a/" * 9 + "a",
        "a" * 201,
    ],
)
def test_what_is_no_endpoint(text: str) -> None:
    assert not is_endpoint(text)
    with pytest.raises(BadInput):
        endpoint_path(text)
    if text:
        assert read_model({"endpoint": text}) is None


@given(st.text(max_size=40))
def test_no_text_leads_a_path_elsewhere(text: str) -> None:
    if is_endpoint(text):
        path = endpoint_path(text)
        assert path.startswith("/openapi/v2/")
        parts = path.removeprefix("/openapi/v2/").split("/")
        assert all(parts)
        assert not {".", ".."} & set(parts)
        assert path.isascii()
        assert not set("?#\\ ") & set(path)


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("kling-elements", ModelRef(endpoint="kling-elements", name="kling-elements")),
        ("/openapi/v2/a/b", ModelRef(endpoint="a/b", name="/openapi/v2/a/b")),
        (
            "https://www.runninghub.cn/openapi/v2/a/b",
            ModelRef(endpoint="a/b", host="www.runninghub.cn"),
        ),
        (
            "https://www.runninghub.ai/call-api/api-detail/2004543527918551041?apiType=1",
            ModelRef(page="2004543527918551041", host="www.runninghub.ai"),
        ),
        (
            "www.runninghub.cn/runninghub-api-doc-cn/api-425766743.md",
            ModelRef(page="api-425766743", host="www.runninghub.cn"),
        ),
        ("http://127.0.0.1:8188/openapi/v2/a/b", ModelRef(endpoint="a/b", host="127.0.0.1:8188")),
    ],
)
def test_how_people_write_a_model_down(text: str, ref: ModelRef) -> None:
    assert read_model_ref(f"  {text} ") == ref


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://www.runninghub.ai/",
        "https://www.runninghub.ai/workflow/1900000000000000101",
        "https://www.runninghub.ai/openapi/v2/run/workflow/1",
        "https://u:p@www.runninghub.ai/openapi/v2/a/b",
        "ftp://www.runninghub.ai/openapi/v2/a/b",
        "https://[::1/openapi/v2/a/b",
        "https://www.runninghub.ai/openapi/v2/../../task/openapi/create",
    ],
)
def test_what_leads_to_no_model(text: str) -> None:
    with pytest.raises(BadInput):
        read_model_ref(text)


# Finding


def test_a_model_is_found_by_endpoint_by_name_in_both_languages_and_by_page() -> None:
    model = Model(
        "a/b", "Painter 2", name_zh="画家二", aliases=("old painter",), pages=("api-123456",)
    )
    catalogue = Catalogue([model], date="")
    for text in ("a/b", "painter 2", "画家二", "OLD PAINTER", "/openapi/v2/a/b"):
        assert catalogue.find(text) == model
    assert catalogue.find("https://www.runninghub.cn/runninghub-api-doc-cn/api-123456") == model
    with pytest.raises(BadInput, match="Refresh"):
        catalogue.find("https://www.runninghub.cn/call-api/api-detail/2004543527918551041")


def test_an_endpoint_that_nobody_listed_is_a_model_all_the_same() -> None:
    assert shipped().find("new-vendor/text-to-image") == Model(
        "new-vendor/text-to-image",
        "new-vendor/text-to-image",
        completeness=Completeness.NONE,
    )


def test_a_name_of_several_or_of_none_is_told() -> None:
    with pytest.raises(BadInput, match="gigapixel"):
        shipped().find("topazlabs图像放大Low Resolution V2")
    with pytest.raises(BadInput, match="Nearest: kling-elements"):
        shipped().find("kling-element")
    with pytest.raises(BadInput) as far:
        shipped().find("my holiday in the mountains")
    assert str(far.value) == 'No model is called "my holiday in the mountains".'
