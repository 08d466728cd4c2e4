"""Full-text search for models by name, family, endpoint or task, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from .catalogue import Catalogue
from .prices import list_price
from .schema import Completeness, Model
from .tasks import words_of

MAX_QUERY = 200

# Synonyms of a family that its models' Chinese names lack.
_FAMILIES = {
    "HappyHorse": "快乐马",
    "Hunyuan3D": "混元",
    "Jimeng": "即梦",
    "Kling": "可灵",
    "MiniMax": "海螺",
    "Qwen": "通义千问",
    "Seedance": "即梦 豆包",
    "Seedream": "即梦 豆包",
    "Wan": "万相 通义万相",
    "Youchuan": "悠船 midjourney",
}

_SEPARATORS = re.compile(r"[\s\-_/·:,\uff0c\u3001()\uff08\uff09]+")
_LATIN = re.compile(r"[a-z0-9.]+|[^a-z0-9.\s]+")


@dataclass(frozen=True, slots=True)
class _Entry:
    model: Model
    name: str
    """Its names and endpoint, a space before each word."""
    joined: str
    """`name` without any space: `3.0pro` is in it."""
    traits: str
    """Its family, task and output, likewise."""
    cost: tuple[int, Decimal]
    """Of an order by the lists: where that depends on its length, later; if unknown, last."""


class Search:
    """A search index over one catalogue; unusable models are not in it."""

    def __init__(self, catalogue: Catalogue) -> None:
        usable = (model for model in catalogue.models.values() if model.is_usable)
        self._entries = [_entry(model) for model in usable]

    def find(self, words: str, tasks: Iterable[str] = ()) -> list[Model]:
        """Models that match all words, best first; every model for no words.

        `tasks` filters, and its order breaks ties; then the cheaper comes first, then the shorter
        name. Words may be substrings, in any order.
        """
        phrase = _folded(words[:MAX_QUERY])
        terms = [*dict.fromkeys(_tokens(phrase))]
        allowed = {task: place for place, task in enumerate(tasks)}
        hits: list[tuple[float, int, tuple[int, Decimal], int, str, Model]] = []
        for entry in self._entries:
            if allowed and entry.model.task not in allowed:
                continue
            score = _score(entry, terms, phrase)
            if score is not None:
                place = allowed.get(entry.model.task, 0)
                rank = (-score, place, entry.cost, len(entry.name), entry.model.endpoint)
                hits.append((*rank, entry.model))
        hits.sort(key=lambda hit: hit[:5])
        return [model for *_, model in hits]


def _entry(model: Model) -> _Entry:
    names = " ".join((model.name, model.name_zh, *model.aliases, model.endpoint))
    family = f"{model.family} {_FAMILIES.get(model.family, '')}"
    name, traits = f" {_folded(names)} ", _folded(f"{family} {words_of(model.task)} {model.output}")
    return _Entry(model, name, name.replace(" ", ""), f" {traits} ", _cost(model))


def _cost(model: Model) -> tuple[int, Decimal]:
    price = list_price(model, {})
    if price is None:
        return 2, Decimal(0)
    return (1, price.rate) if price.amount is None else (0, price.amount)


def _folded(text: str) -> str:
    return _SEPARATORS.sub(" ", text.lower()).strip()


def _tokens(words: str) -> Iterator[str]:
    """Tokenize: `可灵3.0 pro` is three words, as a change of script separates, too."""
    for word in words.split():
        yield from _LATIN.findall(word)


def _score(entry: _Entry, words: list[str], phrase: str) -> float | None:
    """Score of a match, higher is better; None if a word is in none of the entry's texts."""
    score = 0.0
    for word in words:
        if f" {word} " in entry.name:
            score += 4
        elif f" {word}" in entry.name or f" v{word}" in entry.name:
            score += 3
        elif f" {word}" in entry.traits:
            score += 2.5
        elif word in entry.name:
            score += 1.5
        elif word in entry.traits or word in entry.joined:
            score += 1
        else:
            return None
    if f" {phrase} " in entry.name:
        score += 2 if phrase == _folded(entry.model.endpoint) else 1
    if entry.model.completeness is not Completeness.FULL:
        score -= 0.5
    return score
