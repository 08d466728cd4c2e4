"""A standard model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from ..errors import Fate, RunningHubError
from ..graph.check import Declared, Options
from ..graph.fields import Field
from ..graph.prompt import Graph
from ..models.body import check_files, compose, flat, nested
from ..models.live_catalogue import ModelCatalogue
from ..models.names import parameter_name
from ..models.schema import Model, Parameter
from ..models.values import MediaFile
from ..money.quotes import Quote
from ..run.orders import Order
from ..wire.call import Call
from ..wire.models import create
from ..wire.orders import Ticket
from .program import BaseProgram


@dataclass(frozen=True, slots=True)
class StandardModel(BaseProgram):
    """A standard model and the options of one order; `extra`: keys outside its schema.

    The schema is not part of an order's identity; the body that is sent is.
    """

    model: Model
    catalogue: ModelCatalogue = field(compare=False, repr=False)
    extra: object = None
    send_anyway: bool = False
    graph_hash: str = ""
    graph: Graph | None = None
    shows: frozenset[str] = frozenset()
    kind = "model"
    form = None
    is_free_of_others = False

    @property
    def id(self) -> str:
        return self.model.endpoint

    @property
    def title(self) -> str:
        return self.model.name

    @property
    def titles(self) -> dict[str, str]:
        """Empty: it has no nodes."""
        return {}

    def fields(self) -> list[Field]:
        """Empty: parameters are not node inputs."""
        return []

    def check(
        self, fields: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """Return what will be sent, by key; a file in a list as `imageUrls.1`. Raises BadField."""
        return flat(compose(self.model, fields, self.extra).checked(send_anyway=self.send_anyway))

    def check_files(self, files: Mapping[str, MediaFile]) -> None:
        if not self.send_anyway:
            check_files(self.model, files)

    def parameter(self, name: str) -> Parameter | None:
        return self.model.parameter(parameter_name(name)[0])

    def takes_url(self, name: str) -> bool:
        """Return True: a model's files are always sent as upload URLs."""
        return True

    def payload(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return the request body for checked values with files replaced by their URLs."""
        return nested(values)

    def complete_order(self, order: Order, values: Mapping[str, object]) -> Order:
        ratio = partial(self.catalogue.price_ratio, self.model, self.payload(values))
        return replace(order, price=partial(self._price, values), price_ratio=ratio)

    def create_call(self, order: Order, access_password: str, *, v2: bool) -> Call[Ticket]:
        url = order.options.webhook_url
        return create(order.program_id, {**order.body, **({"webhookUrl": url} if url else {})})

    async def _price(
        self, values: Mapping[str, object], body: Mapping[str, object] | None
    ) -> Quote:
        """Quote an order with these values, by the service if its `body` is known. See `Price`."""
        if body is not None:
            return await self.catalogue.service_price(self.model, body)
        return await self.catalogue.quoted(self.model, self.payload(values))

    def lost_files(
        self, error: RunningHubError, sent: Collection[str], assumed: Collection[str]
    ) -> frozenset[str]:
        """Of a refusal, which costs nothing, only those `assumed` to be there; else all that were
        `sent`: the next order may be paid for like this one."""
        if error.code not in (1001, 1013):  # the service could not fetch an input
            return frozenset()
        return frozenset(assumed if error.fate is Fate.NOT_STARTED else sent)
