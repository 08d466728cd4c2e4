"""Parses the documentation's index, one line per page, to find new and removed models.

`- 标准模型API > 视频生成 > image-to-video > Vidu [title](https://…/api-425766743.md): words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..errors import CatalogueRefused
from .catalogue import Catalogue
from .sanitize import MAX_MODELS, check_size, text_of
from .schema import Model, Status

PATH = "/runninghub-api-doc-cn/llms.txt"
MAX_INDEX = 2_000_000

# The folder is one site-wide name; the English tree lists the same pages under other ids.
_FOLDER = "/runninghub-api-doc-cn/"
_LINE = re.compile(
    r"-\s+(?P<crumbs>[^\[\]]{0,300})\[(?P<title>[^\]]{1,300})\]\((?P<link>[^)\s]{1,300})\)"
)
_PAGE = re.compile(r"/(api-[0-9]{5,20})\.md$")
# In the busiest month of 2026 sixteen of some three hundred were removed.
_MAX_GONE = 30
_SHARE_GONE = 0.2

_SECTIONS = ("标准模型", "模型API", "Standard Model")


@dataclass(frozen=True, slots=True)
class Entry:
    """One model's page: its id, its title, and its path in the documentation's tree."""

    page: str
    title: str
    crumbs: tuple[str, ...]

    @property
    def path(self) -> str:
        """Its path on the index's own site; a URL in the index is never requested."""
        return f"{_FOLDER}{self.page}.md"


def read_index(data: bytes) -> tuple[Entry, ...]:
    """Parse the pages of models. Raises CatalogueRefused for HTML, or an index without any."""
    check_size(data, "index", MAX_INDEX)
    entries = {entry.page: entry for entry in _entries(data.decode("utf-8", "replace"))}
    if not entries:
        raise CatalogueRefused(source="index", reason="no page of a model is listed")
    if len(entries) > MAX_MODELS:
        raise CatalogueRefused(source="index", reason=f"{len(entries)} pages are too many")
    return tuple(entries.values())


def _entries(text: str) -> Iterator[Entry]:
    for line in text.splitlines():
        match = _LINE.match(line.strip())
        page = _PAGE.search(match["link"]) if match else None
        if match is None or page is None:
            continue
        crumbs = tuple(text_of(part, 80) for part in match["crumbs"].split(">"))
        if crumbs[0].replace(" ", "").startswith(tuple(s.replace(" ", "") for s in _SECTIONS)):
            yield Entry(page[1], text_of(match["title"]), crumbs)


@dataclass(frozen=True, slots=True)
class Look:
    """A catalogue, compared with an index.

    `catalogue`: with the pages and the status of its models updated. `new`: pages of models that
    it lacks.
    """

    catalogue: Catalogue
    new: tuple[Entry, ...]


def look(catalogue: Catalogue, index: tuple[Entry, ...]) -> Look:
    """Compare by page id, and by title if a model's page is not known yet.

    Only a model with a known page can become GONE: others may never have been in the index. Raises
    CatalogueRefused if too many of those are missing: it is truncated, or of something else.
    """
    listed = {entry.page: entry for entry in index}
    models = dict(catalogue.models)
    by_page = {page: model for model in models.values() for page in model.pages}
    new: list[Entry] = []
    for entry in index:
        model = by_page.get(entry.page) or _titled(catalogue, entry.title)
        if model is None:
            new.append(entry)
        else:
            models[model.endpoint] = _listed_at(models[model.endpoint], entry.page)
    paged = [model for model in models.values() if model.is_usable and _doc_pages(model)]
    gone = [model for model in paged if not any(page in listed for page in _doc_pages(model))]
    if len(gone) > max(_MAX_GONE, len(paged) * _SHARE_GONE):
        reason = f"{len(gone)} of {len(paged)} models are missing at once"
        raise CatalogueRefused(source="index", reason=reason)
    for model in gone:
        models[model.endpoint] = replace(model, status=Status.GONE)
    return Look(Catalogue(models.values(), date=catalogue.date), tuple(new))


def _doc_pages(model: Model) -> list[str]:
    return [page for page in model.pages if page.startswith("api-")]


def _titled(catalogue: Catalogue, title: str) -> Model | None:
    models = catalogue.named(title)
    return models[0] if len(models) == 1 and models[0].is_usable else None


def _listed_at(model: Model, page: str) -> Model:
    pages = model.pages if page in model.pages else (*model.pages, page)
    # A relisted model is active again; only the service's replies show that one is WITHDRAWN.
    status = Status.ACTIVE if model.status is Status.GONE else model.status
    return replace(model, pages=pages, status=status)
