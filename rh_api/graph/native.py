"""What the native route does not support of a graph and its options."""

from __future__ import annotations

from ..errors import BadInput
from ..wire.native import MACHINES
from ..wire.orders import TaskOptions
from .prompt import Graph, read_nodes


def check_native_graph(graph: Graph, options: TaskOptions) -> None:
    """Raise BadInput for what the native route does not support."""
    plain = TaskOptions()
    if options.instance not in MACHINES:
        raise BadInput("error.native_ultra")
    for name in ("personal_queue", "retain_seconds"):
        if getattr(options, name) != getattr(plain, name):
            raise BadInput("error.native_option", name=name)
    for node_id, node in read_nodes(graph).items():
        count = node.inputs.get("batch_size")
        # Only for classes that create an empty batch; others group their inputs.
        if node.class_type.startswith("Empty") and isinstance(count, int) and count > 1:
            raise BadInput("error.native_batch", node=node_id, count=count)
