"""A model is found by any words that people have for it."""

from __future__ import annotations

import pytest
from unit.models.sampling import shipped

from rh_api.models.catalogue import Catalogue
from rh_api.models.schema import Completeness, Model, PriceRule, Status
from rh_api.models.search import Search
from rh_api.models.tasks import GROUPS, task_of

SEARCH = Search(shipped())


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("kling 3.0 pro", "kling-v3.0-pro/"),
        ("可灵3.0 Pro", "kling-v3.0-pro/"),
        ("可灵", "kling-"),
        ("nano banana pro", "rhart-image-n-pro"),
        ("海螺 2.3", "minimax/hailuo-2.3"),
        ("rhart-image-n-pro/text-to-image", "rhart-image-n-pro/text-to-image"),
        ("Midjourney v7", "youchuan/text-to-image-v7"),
        ("seedream 4.5 edit", "seedream-v4.5/image-to-image"),
        ("tts turbo", "rhart-audio/text-to-audio/speech"),
        ("混元 3D", "hunyuan3d"),
    ],
)
def test_words_in_either_language_find_a_model_first(words: str, first: str) -> None:
    assert SEARCH.find(words)[0].endpoint.startswith(first)


def test_all_words_must_fit() -> None:
    assert SEARCH.find("kling nosuchword") == []
    assert {model.family for model in SEARCH.find("kling 文生视频")} == {"Kling"}
    assert {model.task for model in SEARCH.find("kling 文生视频")} == {"text-to-video"}


def test_no_words_list_everything_that_is_offered() -> None:
    usable = [model for model in shipped().models.values() if model.is_usable]
    assert {model.endpoint for model in SEARCH.find("  ")} == {model.endpoint for model in usable}


def test_a_task_narrows_and_its_first_comes_first() -> None:
    tasks = GROUPS["RHImageToVideo"]
    models = SEARCH.find("", tasks)
    assert {model.task for model in models} == set(tasks)
    whole = [model.task for model in models if model.completeness is Completeness.FULL]
    assert whole == sorted(whole, key=tasks.index)
    assert SEARCH.find("vidu q3", tasks)[0].task in tasks


def test_a_full_schema_comes_before_one_that_is_not() -> None:
    half = Model("x/half", "painter", completeness=Completeness.PARTIAL)
    whole = Model("x/whole", "painter")
    gone = Model("x/gone", "painter", status=Status.GONE)
    models = Search(Catalogue([half, whole, gone], date="")).find("painter")
    assert [model.endpoint for model in models] == ["x/whole", "x/half"]


def test_of_what_matches_alike_the_cheaper_comes_first() -> None:
    def painter(name: str, unit: str, amount: str) -> Model:
        return Model(name, "painter", price=PriceRule(unit, "2026-09-01", amount))

    dear, cheap = painter("x/a", "run", "2"), painter("x/dear-in-name-only", "run", "0.1")
    by_length = painter("x/b", "second", "0.01")  # of how many seconds, nobody knows
    unknown, named = Model("x/c", "painter"), painter("y/painter", "run", "9")
    search = Search(Catalogue([dear, unknown, by_length, cheap, named], date=""))
    ranked = [cheap, dear, named, by_length, unknown]
    assert search.find("") == search.find("painter") == ranked
    assert search.find("y/painter")[0] == named
    assert search.find("x/a painter")[0] == dear


def test_words_in_their_order_match_better() -> None:
    assert "text-to-image" in SEARCH.find("text to image")[0].endpoint


def test_an_endpoint_finds_its_model_first() -> None:
    """The choice takes the first hit."""
    usable = [model for model in shipped().models.values() if model.is_usable]
    assert [SEARCH.find(model.endpoint)[0] for model in usable] == usable


@pytest.mark.parametrize("words", ["x" * 100_000, "% _ \\ ( [", "<script>", "\0", "可" * 5000])
def test_no_words_break_the_search(words: str) -> None:
    assert isinstance(SEARCH.find(words), list)


@pytest.mark.parametrize(
    ("names", "task"),
    [
        (("视频生成与处理", "image-to-video", "Vidu"), "image-to-video"),
        (("image-edit", "rhart-image-n-pro"), "image-to-image"),
        (("其他", "start-end-to-video-q3-pro-fast"), "start-end-to-video"),
        (("vidu", "multi-image-to-3d"), "multi-image-to-3d"),
        (("其他", "something-new"), "other"),
        ((), "other"),
    ],
)
def test_what_the_documentation_calls_a_task(names: tuple[str, ...], task: str) -> None:
    assert task_of(*names) == task
