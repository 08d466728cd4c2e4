"""An error always has a sentence, a fate and nothing secret in it."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rh_api import errors, texts
from rh_api.errors import Fate, RunningHubError, UnknownCode, error_for_code, quote_remote

ANY_TEXT = st.text(st.characters(), max_size=30)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT, st.binary(max_size=5)
)
RESERVED = {"key", "fate", "code", "task_id", "node_id", "self"}
PARAMS = st.dictionaries(
    st.from_regex(r"[a-z_]{1,10}", fullmatch=True).filter(lambda name: name not in RESERVED),
    VALUES,
    max_size=4,
)


def kinds() -> list[type[RunningHubError]]:
    found = [RunningHubError]
    for kind in found:
        found.extend(sub for sub in kind.__subclasses__() if sub.__module__ == errors.__name__)
    return found


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_fate_and_a_key_of_its_own_room(kind: type[RunningHubError]):
    error = kind()
    assert isinstance(error.fate, Fate)
    assert error.key.startswith("error.")


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


@pytest.mark.parametrize("words", ["no such task", "no such task.", "no such task。"])
def test_the_service_s_full_stop_is_not_said_twice(words: str):
    assert "no such task. " in str(error_for_code(807, words))


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
