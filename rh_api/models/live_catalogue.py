"""The catalogue of standard models: the shipped one, refreshed from the account's own site.

A refresh sends no key. Once a day it reads the documentation's index and a few pages, on command
all new ones and the site's own catalogue.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from fractions import Fraction
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from ..errors import BadInput, CatalogueRefused, Refused, RunningHubError
from ..money import quotes as money
from ..money.amounts import CNY, USD, currency_of, micros
from ..run.retry import Sender
from ..settings import Settings, check_site
from ..system.disk import replace_text
from ..texts import Words
from ..wire.envelope import read_json, read_object, read_text
from ..wire.model_refs import read_model_ref
from ..wire.models import PricePreview, price_preview
from ..wire.public import document, question
from . import index, prices, site, yaml
from .body import compose, nested
from .catalogue import Catalogue
from .merge import Changes, changes, merge
from .pages import MAX_PAGE, read_page
from .prices import ListPrice
from .schema import Model
from .search import Search
from .stored import catalogue_text, read_catalogue
from .tasks import tasks_of

log = logging.getLogger("runninghub")

DAY = 24 * 3600.0
PAGES_A_DAY = 19  # beside the index: twenty requests
BYTES_A_DAY = 2_000_000
PAGES_AT_ONCE = 1_000  # on command
MAX_QUOTES = 500  # of the service, in memory
DETAILS_AT_ONCE = 1_000

_SHIPPED = Path(__file__).with_name("catalogue.json")


@dataclass(frozen=True, slots=True)
class _IndexState:
    """When the index was last read, unix seconds, and its ETag."""

    at: float = 0.0
    etag: str = ""


@dataclass
class _Shared:
    """State of one site, shared by all its `ModelCatalogue`s in a process."""

    catalogue: Catalogue | None = None
    search: Search | None = None
    quotes: dict[str, money.Quote] = field(default_factory=dict[str, money.Quote])
    """Cache of the service's quotes, by account, endpoint and request body."""
    refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)


_shared: WeakValueDictionary[Path, _Shared] = WeakValueDictionary()


class ModelCatalogue:
    """The models of one site. Refreshed ones are stored in the state folder, one file per site;
    all instances in a process share one copy in memory."""

    def __init__(
        self,
        settings: Settings,
        sender: Sender | None = None,
    ) -> None:
        """`sender`: for calls to the site; None: no requests."""
        self._settings = settings
        self._site_sender = sender
        host = urlsplit(settings.origin).netloc.replace(":", "-")
        self._file = settings.state / f"models-{host}.json"
        self._index_state_file = settings.state / f"models-{host}-looked.json"
        self._shared = _shared.setdefault(self._file, _Shared())

    @property
    def catalogue(self) -> Catalogue:
        """All models; the first access reads files, blocking."""
        if self._shared.catalogue is None:
            self._shared.catalogue = self._read()
        return self._shared.catalogue

    async def load(self) -> Catalogue:
        """All models; reads files in a thread."""
        return self._shared.catalogue or await asyncio.to_thread(lambda: self.catalogue)

    def find(self, text: str) -> Model:
        """The model that `text` names; see `Catalogue.find`."""
        return self.catalogue.find(text)

    def resolve(self, text: str, stored: Model | None = None) -> Model:
        """The model that `text` names; a link to another site is refused.

        `stored`: the copy in a node, used for a name that is no longer in the catalogue.
        """
        ref = read_model_ref(text)
        check_site(ref.host, self._settings)
        try:
            return self.catalogue.resolve(ref)
        except BadInput:
            if stored is None:
                raise
            return Catalogue([stored], date="").resolve(ref)

    def search(self, words: str = "", task: str = "") -> list[Model]:
        """Models that match all words, in either language, best first; see `Search.find`.

        `task`: one of the catalogue's, or a node class for several (`RHSpeech`).
        """
        if self._shared.search is None:
            self._shared.search = Search(self.catalogue)
        return self._shared.search.find(words, tasks_of(task) if task else ())

    def form(self, text: str) -> Model:
        """The model that `text` names. Raises BadInput if it is unknown or no longer offered."""
        model = self.find(text)
        self.catalogue.check_offered(model)
        return model

    @property
    def _sender(self) -> Sender:
        if self._site_sender is None:
            raise ValueError("this catalogue was made to read what is here")
        return self._site_sender

    # Prices

    def price_of(
        self, model: Model, values: Mapping[str, object] | None = None, extra: object = None
    ) -> ListPrice | None:
        """The price of an order with these values by the price lists; None if no list has it.

        The lists are in CNY, for runninghub.cn; they do not apply to the other official site.
        """
        return self._list_price(model, compose(model, values or {}, extra).body)

    def _list_price(self, model: Model, body: Mapping[str, object]) -> ListPrice | None:
        """By the catalogue's own lists: the copy in a node came with a file, and a price from
        there could evade a cost limit."""
        listed = self.catalogue.models.get(model.endpoint)
        if listed is None or currency_of(self._settings.origin) not in ("", prices.CURRENCY):
            return None
        return prices.list_price(listed, body)

    def price_ratio(
        self, model: Model, body: Mapping[str, object], fields: Mapping[str, object]
    ) -> Fraction | None:
        """How many times the price of a past order with `fields` one with `body` costs, on either
        site; None if unknown."""
        listed = self.catalogue.models.get(model.endpoint) or replace(model, price=None)
        return prices.price_ratio(listed, body, nested(fields))

    async def preview_of(
        self, model: Model, values: Mapping[str, object], extra: object = None
    ) -> PricePreview:
        """Ask the service what an order with these values would cost; nothing is started.

        Texts and files, missing required ones included, are sent as filler and placeholders;
        numbers and choices as they are. The quote is cached.
        """
        preview_body = prices.preview_body(model, compose(model, values, extra).body)
        try:
            preview = await self._sender.send(price_preview(model.endpoint, preview_body))
        except Refused as error:
            if error.key != "error.bad_parameters":
                raise
            # Those were not the user's own.
            raise error.with_context("error.price_refused") from error.__cause__
        if len(self._shared.quotes) >= MAX_QUOTES:
            self._shared.quotes.clear()
        self._shared.quotes[self._quote_key(model, preview_body)] = _quote_of_service(preview)
        return preview

    def _quote_key(self, model: Model, preview_body: Mapping[str, object]) -> str:
        return json.dumps([self._settings.account, model.endpoint, preview_body], sort_keys=True)

    async def quoted(self, model: Model, body: Mapping[str, object]) -> money.Quote:
        """Quote an order with this body, by the service (asked with filler), else by a list."""
        quote = await self.service_price(model, prices.preview_body(model, body))
        return quote if quote.is_known else _quote_of_list(self._list_price(model, body))

    def quote_of_list(
        self, model: Model, values: Mapping[str, object], extra: object = None
    ) -> money.Quote:
        """Quote an order with a node's values without a request: by the service's cached quote
        for such an order, else by the lists. In the sandbox it is free."""
        if self._settings.is_sandbox:
            return money.IN_SANDBOX
        preview_body = prices.preview_body(model, compose(model, values, extra).body)
        quote = self._shared.quotes.get(self._quote_key(model, preview_body), money.Quote())
        return quote if quote.is_known else _quote_of_list(self.price_of(model, values, extra))

    async def service_price(self, model: Model, body: Mapping[str, object]) -> money.Quote:
        """The service's quote for exactly this body; unknown without a key or on any error."""
        if self._site_sender is None or not self._settings.key:
            return money.Quote()
        try:
            preview = await self._site_sender.send(price_preview(model.endpoint, body))
        except RunningHubError as error:
            log.info("the service tells no price of %s: %s", model.endpoint, error)
            return money.Quote()
        return _quote_of_service(preview)

    # Newer models

    def is_due(self) -> bool:
        """Whether the index was last read at least a day ago."""
        return not 0 <= time.time() - self._read_index_state().at < DAY

    async def renew(self) -> Changes | None:
        """Refresh if that is due (daily); None if it is not due, already running, or failed.

        A failure is logged in one line, and retried the next day.
        """
        state = await asyncio.to_thread(self._read_index_state)
        if not self.is_due() or self._shared.refreshing.locked():
            return None
        try:
            return await self.refresh()
        except RunningHubError as error:
            log.warning("the models stay as they are: %s", error)
            await asyncio.to_thread(self._save, None, _IndexState(time.time(), state.etag))
            return None

    async def refresh(self, *, thorough: bool = False) -> Changes:
        """Read and store new models; returns the changes. Any error leaves the catalogue as it was,
        as does a Python without PyYAML.

        `thorough`: all new pages, and the site's own catalogue. Raises the error of the index;
        any other source that fails is skipped and logged.
        """
        yaml.reader()
        async with self._shared.refreshing:
            old = await self.load()
            state = await asyncio.to_thread(self._read_index_state)
            call = document(index.PATH, index.MAX_INDEX, "" if thorough else state.etag)
            reply = await self._sender.send(call)
            now = datetime.now(timezone.utc)
            new, etag = old, reply.etag
            if reply.data is not None:
                look = index.look(old, index.read_index(reply.data))
                most = PAGES_AT_ONCE if thorough else PAGES_A_DAY
                models = await self._page_models(look.new[:most], bounded=not thorough)
                new = merge(look.catalogue, models, date=now.date().isoformat())
                if len(models) < len(look.new):
                    etag = ""  # so that the rest is read tomorrow, even if the index is unchanged
            if thorough and (others := await self._site_models(new)):
                new = merge(new, others, date=now.date().isoformat())
            state = _IndexState(now.timestamp(), etag)
            await asyncio.to_thread(self._save, None if new is old else new, state)
            self._shared.catalogue, self._shared.search = new, None
            return changes(old, new)

    async def _page_models(self, entries: tuple[index.Entry, ...], *, bounded: bool) -> list[Model]:
        models: list[Model] = []
        budget = BYTES_A_DAY
        for entry in entries:
            try:
                page = await self._sender.transport.send(document(entry.path, MAX_PAGE))
                data = page.data or b""
                budget -= len(data)
                models.append(await asyncio.to_thread(read_page, data, entry))
            except RunningHubError as error:
                log.info("%s", error)
            if bounded and budget < 0:
                break
        return models

    async def _site_models(self, catalogue: Catalogue) -> list[Model]:
        """The models of the site's catalogue whose pages are not known yet; failures skipped."""
        send = self._sender.transport.send
        pages = {page for model in catalogue.models.values() for page in model.pages}
        models: list[Model] = []
        try:
            listed = await send(
                question(site.LIST_PATH, site.LIST_BODY, site.HEADERS, site.read_list, 4_000_000)
            )
        except RunningHubError as error:
            log.info("%s", error)
            return models
        for sku in [sku for sku in listed if sku not in pages][:DETAILS_AT_ONCE]:
            detail = question(
                site.DETAIL_PATH,
                {"id": sku},
                site.HEADERS,
                site.read_detail,
                site.MAX_DETAIL,
            )
            try:
                models.append(await send(detail))
            except RunningHubError as error:
                log.info("%s", error)
        return models

    def _save(self, catalogue: Catalogue | None, state: _IndexState) -> None:
        if catalogue is not None:
            replace_text(self._file, catalogue_text(catalogue))
        replace_text(self._index_state_file, json.dumps({"at": state.at, "etag": state.etag}))

    def _read_index_state(self) -> _IndexState:
        try:
            note = read_object(read_json(self._index_state_file.read_bytes()[:10_000]))
        except OSError:
            return _IndexState()
        at = note.get("at")
        return _IndexState(at if isinstance(at, float) else 0.0, read_text(note.get("etag")))

    def _read(self) -> Catalogue:
        shipped = _shipped()
        try:
            refreshed = read_catalogue(self._file.read_bytes())
        except FileNotFoundError:
            return shipped
        except (OSError, CatalogueRefused) as error:
            log.warning("the models that were refreshed are left aside: %s", error)
            return shipped
        # A newer release's catalogue takes precedence over an older refresh.
        return (
            refreshed
            if refreshed.date >= shipped.date
            else merge(refreshed, shipped.models.values(), date=shipped.date)
        )


@cache
def _shipped() -> Catalogue:
    """The shipped catalogue, read once per process and shared by all accounts."""
    return read_catalogue(_SHIPPED.read_bytes())


def _quote_of_service(preview: PricePreview) -> money.Quote:
    amount = micros(preview.amount, up=True)
    if not amount or preview.currency not in (CNY, USD):
        return money.Quote()
    return money.fixed(preview.currency, amount, money.QuoteSource.PREVIEW)


def _quote_of_list(listed: ListPrice | None) -> money.Quote:
    if listed is None:
        return money.Quote()
    amount = micros(listed.amount, up=True)
    source, words = money.QuoteSource.LIST, Words.of(listed.describe)
    if not amount:
        return money.Quote(source=source, words=words)
    return money.fixed(CNY, amount, source, is_from=listed.is_from, words=words)
