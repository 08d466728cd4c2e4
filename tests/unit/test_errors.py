"""An error always has a sentence, a fate and nothing secret in it."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rh_api import errors, texts
from rh_api.errors import (
    BatchFailed,
    Fate,
    RunningHubError,
    TaskFailed,
    UnknownCode,
    about_task,
    error_for_code,
    quote_remote,
)

ANY_TEXT = st.text(st.characters(), max_size=30)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT, st.binary(max_size=5)
)
RESERVED = {
    "key",
    "fate",
    "code",
    "task_id",
    "node_id",
    "local_id",
    "hint",
    "wrong_address",
    "self",
}
PARAMS = st.dictionaries(
    st.from_regex(r"[a-z_]{1,10}", fullmatch=True).filter(lambda name: name not in RESERVED),
    VALUES,
    max_size=4,
)


def kinds() -> list[type[RunningHubError]]:
    classes = [RunningHubError]
    for kind in classes:
        classes.extend(sub for sub in kind.__subclasses__() if sub.__module__ == errors.__name__)
    return classes


def test_what_failed_for_one_reason_is_told_once() -> None:
    full, over = errors.QueueFull(code=421), errors.NoOutput(task_id="7")
    some = BatchFailed.of({0: full, 1: full, 2: full, 4: over, 6: full}, 8)
    assert str(some).startswith("5 of 8 items failed.")
    assert str(some).count(str(full)) == 1
    assert f"Items 1-3, 7: {full} Item 5: {over}" in str(some)
    assert str(BatchFailed.of({0: full, 1: full}, 2)).startswith("All 2 items failed. Items 1-2: ")


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_fate_and_a_key_of_its_own_room(kind: type[RunningHubError]):
    error = kind()
    assert isinstance(error.fate, Fate)
    assert error.key.startswith("error.")


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_no_failure_of_a_call_about_a_task_says_that_none_was_started(kind: type[RunningHubError]):
    error = about_task(kind(fate=Fate.NOT_STARTED, remote="no"))
    assert error.fate is Fate.UNKNOWN
    assert "othing was started" not in str(error)


@settings(deadline=None)
@given(
    st.sampled_from([*texts.ENGLISH, "error.nobody.wrote"]),
    PARAMS,
    st.none() | st.integers(),
    st.none() | ANY_TEXT,
)
def test_any_error_has_a_sentence(
    key: str, params: dict[str, object], code: int | None, task_id: str | None
):
    assert str(RunningHubError(key, code=code, task_id=task_id, **params))


@settings(deadline=None)
@given(st.sampled_from(kinds()), st.dictionaries(st.sampled_from(["remote", "seconds"]), VALUES))
def test_every_class_has_a_sentence_for_any_values(
    kind: type[RunningHubError], params: dict[str, object]
):
    assert str(kind(**params))


def test_braces_in_a_value_are_only_text():
    words = "{no.such[place]!z:>9} {remote} {0}"
    assert words in str(error_for_code(803, words))


@pytest.mark.parametrize("kind", [errors.Refused, errors.Unreachable, errors.UploadFailed])
def test_that_nothing_was_started_is_said_once_and_only_if_that_is_known(
    kind: type[RunningHubError],
) -> None:
    for fate in Fate:
        sentence = str(kind(fate=fate, remote="no", host="h", reason="no"))
        assert sentence.count("Nothing was started") == (fate is Fate.NOT_STARTED), sentence


@pytest.mark.parametrize("words", ["no such task", "no such task.", "no such task。"])
def test_the_service_s_full_stop_is_not_said_twice(words: str):
    assert "no such task. " in str(error_for_code(807, words))


def test_what_follows_a_cloud_node_s_words_is_a_sentence_of_its_own() -> None:
    words = "CUDA out of memory. Tried to allocate 2.00 GiB"
    failed = TaskFailed(node="3", exception="OutOfMemoryError", remote=words, code=805, task_id="7")
    assert str(failed).endswith(f": {words}. (RunningHub code 805) [task 7]")


def test_a_copy_and_a_pickle_say_the_same():
    error = error_for_code(421, "full")
    error.task_id = "1900000000000000001"
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert (str(twin), twin.fate, twin.code, twin.task_id) == (
            str(error),
            error.fate,
            error.code,
            error.task_id,
        )


@settings(deadline=None)
@given(st.integers())
def test_a_code_that_nobody_documents_leaves_the_fate_open(code: int):
    error = error_for_code(code, "?")
    if code not in errors.BY_CODE:
        assert type(error) is UnknownCode
        assert error.fate is Fate.UNKNOWN
    assert error.code == code


@settings(deadline=None)
@given(st.text(st.characters(), max_size=2000), st.integers(1, 700))
def test_the_service_s_words_are_one_bounded_line(text: str, limit: int):
    words = quote_remote(text, limit)
    assert len(words) <= limit
    assert words == " ".join(words.split())
    if len(" ".join(text.split())) <= limit:
        assert words.split() == text.split()


def test_no_sentence_is_longer_than_a_page_and_its_end_stays() -> None:
    items = {n: TaskFailed(task_id=f"t{n}", node="1", remote="x" * 500) for n in range(40)}
    batch = BatchFailed.of(items, 40)
    assert len(str(batch)) <= 2000
    failed = TaskFailed("error.folder_not_writable", folder="f" * 9000, reason="", code=805)
    failed.task_id = "1904136902449209346"
    assert len(str(failed)) == 2000
    assert "…" in str(failed)
    assert "805" in str(failed)[-120:]
    assert "1904136902449209346" in str(failed)[-60:]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_context_is_added_to_a_copy(kind: type[RunningHubError]):
    cause = OSError("the line")
    with pytest.raises(kind) as caught:
        raise kind(code=7, remote="no") from cause
    error = caught.value
    copied = error.with_context(fate=Fate.OVER, task_id="5", params={"title": "Save"})
    assert type(copied) is kind
    assert (copied.key, copied.code, copied.task_id, copied.fate) == (error.key, 7, "5", Fate.OVER)
    assert copied.params == {**error.params, "title": "Save"}
    assert copied.__cause__ is cause
    assert copied.__traceback__ is error.__traceback__
    assert copied.args == error.args
    assert (error.task_id, error.fate, "title" in error.params) == (None, kind.default_fate, False)


def test_what_a_class_alone_carries_is_kept_by_a_copy():
    limited = errors.RateLimited(retry_after=3.0).with_context(task_id="5")
    gone = errors.ResultUnavailable(status=404).with_context(task_id="5")
    batch = BatchFailed.of({0: limited}, 2).with_context("error.other")
    assert (limited.retry_after, gone.status, batch.errors) == (3.0, 404, {0: limited})
    assert batch.key == "error.other"


def test_a_key_that_came_in_a_wrong_box_is_not_quoted():
    key = "0123456789abcdef0123456789ABCDEF"
    for value in (key, f"https://host/x?apiKey={key}&a=1", f"/proxy/{key}/view"):
        error = errors.BadInput("error.task_id", value=value).with_context(params={"more": value})
        assert key not in str(error)
        assert key not in repr(error.params)
    name = f"{key}.png"
    assert errors.BadInput("error.task_id", value=name).params["value"] == name
