"""What the kinds of programs have alike; each kind has a module of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from ..errors import BadInput, RunningHubError
from ..graph import app_fields
from ..graph import fields as workflow_fields
from ..graph.check import Declared, Options
from ..graph.fields import Field, node_info, only_shows
from ..graph.prompt import Graph, read_nodes
from ..graph.ranges import Outside, Ranges
from ..models.schema import Parameter
from ..models.values import MediaFile
from ..offload.core_classes import core_lines
from ..offload.special_classes import CLOUD_LORA_LOADER
from ..run.orders import Order, Payload, workflow_call
from ..wire.apps import AppForm
from ..wire.call import Call
from ..wire.orders import TaskOptions, Ticket

_FREE = frozenset({CLOUD_LORA_LOADER})  # which only loads, without a paid API


class BaseProgram:
    """A program, as what is true of most kinds has it. Each kind says what differs."""

    __slots__ = ()

    kind = ""
    """workflow, app, quick, model or graph: see `program_key`."""
    takes_webhook = True

    def check_native(self, options: TaskOptions) -> None:
        """Raise BadInput for what the native route does not support."""
        raise BadInput("error.native_graph_only")

    def values(self, checked: Mapping[str, object], *, reroll_seeds: bool) -> dict[str, object]:
        """Return what is sent: the checked values, and what the program stores beside them."""
        return dict(checked)

    def check_files(self, files: Mapping[str, MediaFile]) -> None:
        """Check files made after the fields; `files`: by the names from `check`."""

    def outside(self, values: Mapping[str, object], ranges: Ranges) -> Iterable[Outside]:
        """Return the values that are out of their class's numeric range, and are sent anyway."""
        return ()

    def parameter(self, name: str) -> Parameter | None:
        """Return what a model's schema says of a field; None for a field of a node."""
        return None

    def payload(self, values: Mapping[str, object]) -> Payload:
        """Return what an order sends for checked values, with files as their remote names."""
        return node_info(values)

    def complete_order(self, order: Order, values: Mapping[str, object]) -> Order:
        """Return an order of this program, for checked values, with what its kind alone has."""
        return order

    def create_call(self, order: Order, access_password: str, *, v2: bool) -> Call[Ticket]:
        """See `CreateCall`."""
        return workflow_call(order, access_password, v2=v2)

    # What the service's refusals mean

    def explain_refusal(self, error: RunningHubError) -> RunningHubError:
        """Return the error in terms of this program, or as it is."""
        return error

    def is_placeholder_refused(self, error: RunningHubError) -> bool:
        """Whether nothing but a workflow id that the user did not choose was refused."""
        return False

    def lost_files(
        self, error: RunningHubError, sent: Collection[str], assumed: Collection[str]
    ) -> frozenset[str]:
        """Return the hashes of uploads whose URLs are not to be used again, since the service could
        not fetch them. `assumed`: those of what was `sent` that an earlier order uploaded."""
        return frozenset()


class GraphProgram(BaseProgram):
    """Properties of a program with a known graph, computed once for all of its orders."""

    graph: Graph
    form = None

    @cached_property
    def titles(self) -> dict[str, str]:
        """Titles by node id, of all nodes: their number is the progress bar's total."""
        return {node_id: node.title for node_id, node in read_nodes(self.graph).items()}

    @cached_property
    def shows(self) -> frozenset[str]:
        """Ids of nodes that only preview and save nothing."""
        nodes = read_nodes(self.graph).items()
        return frozenset(node_id for node_id, node in nodes if only_shows(node.class_type))

    @cached_property
    def is_free_of_others(self) -> bool:
        """Whether no node calls a paid third-party API, for certain: each is of ComfyUI's core
        (whose API nodes are listed separately) or loads a LoRA."""
        core = core_lines()
        return all(
            node.class_type in core or node.class_type in _FREE
            for node in read_nodes(self.graph).values()
        )

    def fields(self) -> list[Field]:
        return workflow_fields.fields(self.graph)

    def takes_url(self, name: str) -> bool:
        return workflow_fields.takes_url(self.graph, name)


class FormProgram(BaseProgram):
    """Program methods that need only the form, for a program whose graph is unknown."""

    __slots__ = ()

    form: AppForm

    @property
    def titles(self) -> dict[str, str]:
        """Titles by node id; only of the form's nodes, as the total is unknown."""
        return {field.node.id: field.node.title for field in self.fields()}

    def fields(self) -> list[Field]:
        return app_fields.app_fields(self.form)

    def check(
        self, fields: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """Validate as for a workflow; the form's own options are binding, `choices` are ignored."""
        return app_fields.check_app(self.form, fields)

    def values(self, checked: Mapping[str, object], *, reroll_seeds: bool) -> dict[str, object]:
        return app_fields.app_values(self.form, checked, reroll_seeds=reroll_seeds)
