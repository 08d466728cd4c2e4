"""The catalogue as shipped: every model of the site, each with a body that works."""

from __future__ import annotations

import pytest
from unit.models.sampling import SHIPPED, every_value, required_values, seed_rows, shipped

from rh_api.models.body import compose
from rh_api.models.names import RESERVED, input_name
from rh_api.models.schema import Completeness, Model, Status
from rh_api.models.stored import catalogue_text, read_catalogue
from rh_api.models.tasks import GROUPS, TASKS, output_of
from rh_api.wire.model_refs import is_endpoint

SEED = [pytest.param(*row, id=row[1]) for row in seed_rows()]
MODELS = shipped().models.values()
FULL = [
    model
    for model in MODELS
    if model.status is not Status.GONE and model.completeness is Completeness.FULL
]


def test_the_catalogue_has_every_live_model_and_those_that_are_gone() -> None:
    live = [model for model in MODELS if model.status is not Status.GONE]
    assert len(live) == 491
    assert len(FULL) == 432
    assert len([model for model in MODELS if model.status is Status.GONE]) == 31
    assert sum(len(model.parameters) for model in live) == 2738


def test_the_catalogue_is_written_as_it_is_read() -> None:
    assert catalogue_text(shipped()) == SHIPPED.read_text("utf-8")


@pytest.mark.parametrize(("name", "endpoint", "status"), SEED)
def test_each_row_of_the_documentation_is_a_model(name: str, endpoint: str, status: str) -> None:
    model = shipped().models[endpoint]
    assert model.status.value == status
    named = shipped().find(name)
    # A name that occurs twice is that of the model which is still listed.
    assert named == model or named.status is not Status.GONE
    if status == "active":
        assert model.completeness is Completeness.FULL
        assert model.parameters
        assert_a_body_works(model)


@pytest.mark.parametrize("model", FULL, ids=lambda model: model.endpoint)
def test_each_model_with_a_full_schema_has_a_body_that_works(model: Model) -> None:
    assert_a_body_works(model)


def assert_a_body_works(model: Model) -> None:
    least = compose(model, required_values(model))
    assert (least.refusals, least.doubts) == ((), ())
    whole = compose(model, every_value(model))
    assert (whole.refusals, whole.doubts) == ((), ())
    names = [param.name for param in model.parameters]
    assert list(whole.body) == [name for name in names if name in whole.body]
    for param in model.parameters:
        if param.required:
            assert param.name in least.body
        if param.name in whole.body:
            assert isinstance(whole.body[param.name], list) == param.is_array


def test_what_is_gone_or_withdrawn_names_an_active_one_or_none() -> None:
    lost = [model for model in MODELS if not model.is_usable]
    alone = [model.endpoint for model in lost if shipped().successor(model) is None]
    assert alone == ["cinematic-video-generator", "rhart-video/ltx-2/image-to-video"]
    for model in lost:
        following = shipped().successor(model)
        assert following is None or following.is_usable


def test_what_only_the_name_is_known_of_runs_by_extra_alone() -> None:
    for model in MODELS:
        if model.completeness is Completeness.NONE:
            assert compose(model, {}, {"prompt": "a cat"}).checked() == {"prompt": "a cat"}


def test_nine_models_have_a_parameter_that_is_named_like_an_input_of_ours() -> None:
    escaped = {
        model.endpoint: param.name
        for model in MODELS
        for param in model.parameters
        if input_name(param.name) != param.name
    }
    assert len(escaped) == 9
    assert set(escaped.values()) == {"model"} <= RESERVED


def test_every_task_is_known_and_most_have_a_node() -> None:
    usable = [model for model in MODELS if model.is_usable]
    assert {model.task for model in usable} <= set(TASKS)
    offered = {task for tasks in GROUPS.values() for task in tasks}
    ungrouped = {model.task for model in usable} - offered
    # What only prepares another model's work.
    assert ungrouped == {
        "audio-prepare",
        "create-character",
        "create-element",
        "lip-sync-prepare",
        "other",
        "upload-asset",
    }
    for model in usable:
        assert output_of(model.task) in ("", model.output) or model.output


def test_nothing_in_the_catalogue_is_an_address_or_markup() -> None:
    text = SHIPPED.read_text("utf-8")
    assert "://" not in text
    assert "<" not in text
    assert all(is_endpoint(model.endpoint) for model in MODELS)


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(Exception, match="no list of models"):
        read_catalogue(b'{"date": "2026-01-01"}')
