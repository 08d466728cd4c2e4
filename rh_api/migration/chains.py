"""Plans other packs' chains of settings, field lists and orders: each becomes one node of ours."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace

from ..graph.fields import looks_like_field
from .canvas_graph import BORDERS
from .graph import Change, NewField, NewNode, OldGraph, OldNode, Output, Plan, Sentence, Source
from .packs import Direct, Entries, Execute, Names, Rule, Settings, Single, Stays, Upload, rule_of

_LOADERS = {"VIDEO": ("LoadVideo", "file", "VIDEO"), "AUDIO": ("LoadAudio", "audio", "AUDIO")}
_UPLOADS = {"IMAGE": "RHUploadImage", "VIDEO": "RHUploadVideo", "AUDIO": "RHUploadAudio"}
_HELPERS = frozenset({"RH_LoadAudioPath"})  # dropped with the uploader that it feeds
_KINDS = {True: ("RunningHubAIApp", "app"), False: ("RunningHubRemoteWorkflow", "workflow")}


class Kept(Exception):
    def __init__(self, key: str, **params: object) -> None:
        super().__init__(key)
        self.why = Sentence(key, params)


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of an order: a text or a link's source. `media`: type of that, "" if not known."""

    name: str
    value: str | Source
    media: str = ""


class Chains:
    """Applies the packs' rules to one graph. `skip`: ids of nodes that the user wants kept."""

    def __init__(self, graph: OldGraph, plan: Plan, skip: Container[str]) -> None:
        self.graph, self.plan, self.skip = graph, plan, skip
        self._rules = {
            node.id: rule
            for node in graph.nodes.values()
            if (rule := rule_of(node)) is not None and node.id not in plan.put
        }
        self._loaders: dict[str, str] = {}
        self._used: dict[str, list[str]] = {}

    def plan_all(self) -> None:
        """Fill the plan: each node of a pack is replaced, dropped, or kept with a reason."""
        for node_id, rule in self._rules.items():
            node = self.graph.nodes[node_id]
            try:
                if node_id in self.skip:
                    raise Kept("migrate.stays_chosen")
                if isinstance(rule, Execute):
                    self._rewrite_execute(node, rule)
                elif isinstance(rule, Direct):
                    self._rewrite_direct(node, rule)
                elif isinstance(rule, Single):
                    self._rewrite_single(node, rule)
            except Kept as kept:
                self.plan.kept[node_id] = kept.why
        self._drop()
        self._replace_uploaders()
        self._drop()
        self._drop_unused_added()
        for change in self.plan.changes:
            links = self.graph.nodes[change.nodes[0]].links.values()
            used = dict.fromkeys(
                [
                    *self._used.get(change.nodes[0], ()),
                    *(link.node for link in links),
                ]
            )
            change.nodes += [node_id for node_id in used if node_id in self.plan.dropped]
        self._explain_kept()

    # one order

    def _rewrite_execute(self, node: OldNode, rule: Execute) -> None:
        settings, about = self._settings(node, rule.config)
        entries, used = self._entries(node.links.get(rule.list))
        is_app = rule.is_app or self._switch(node, rule.app) or self._switch(settings, about.app)
        holder, name = (node, rule.target) if rule.target else (settings, about.target)
        new, change = self._begin(node, is_app, entries, holder, name)
        is_outside = settings.id not in self.graph.nodes
        self._used[node.id] = used if is_outside else [settings.id, *used]
        self._copy_input(node, rule.timeout, new, "timeout")
        if rule.big in node.links:
            raise Kept("migrate.stays_linked", name=rule.big)
        if self._switch(node, rule.big):
            new.values["instance"] = "plus"
            if rule.big_sent != "plus":
                change.note("migrate.note_instance", sent=rule.big_sent)
        if is_outside:
            change.note("migrate.note_outside")
        if rule.limit:
            change.note("migrate.note_limit")
        if rule.saves and node.values.get(rule.saves, True) is not False:
            change.note("migrate.note_saves")
        self._finish(node, new, change, rule.outputs, settings.text(about.site))

    def _rewrite_direct(self, node: OldNode, rule: Direct) -> None:
        entries: list[Entry] = []
        for name, field, when in rule.fields:
            value = node.links.get(name) or node.text(name)
            if isinstance(value, str) and when == "filled" and not value:
                continue
            if isinstance(value, str) and when == "positive" and value.startswith("-"):
                continue
            if when != "positive" or isinstance(value, Source) or value:
                entries.append(Entry(field, value))
        for name, field, media in rule.media:
            source = node.links.get(name)
            if source is None:
                raise Kept("migrate.stays_no_media", name=name)
            entries.append(Entry(field, source, media))
        new, change = self._begin(node, False, entries, node, "workflow_id")
        self._copy_input(node, "timeout", new, "timeout")
        self._finish(node, new, change, rule.outputs, node.text("base_url"))

    def _rewrite_single(self, node: OldNode, rule: Single) -> None:
        if rule.linked and rule.linked not in node.links:
            return
        new = NewNode(rule.becomes, dict(rule.fixed), title=node.own_title)
        for old, name in rule.inputs:
            self._copy_input(node, old, new, name)
        change = Change([node.id], rule.becomes)
        if rule.note:
            change.note(rule.note)
        self._place(node, new, change, rule.outputs)

    def _begin(
        self, node: OldNode, is_app: bool, entries: list[Entry], holder: OldNode, target: str
    ) -> tuple[NewNode, Change]:
        class_type, name = _KINDS[is_app]
        if not holder.text(target).strip() and target not in holder.links:
            raise Kept("migrate.stays_no_target")
        new = NewNode(class_type, title=node.own_title)
        self._copy_input(holder, target, new, name)
        text = new.values.get(name)
        if isinstance(text, str):
            new.values[name] = text.strip()
        new.values["reroll_seeds"] = True
        change = Change([node.id], class_type, str(new.values.get(name, "")))
        change.note("migrate.note_app_form" if is_app else "migrate.note_seeds")
        if not is_app:
            change.note("migrate.note_metadata")
        for entry in entries:
            self._field(entry, new, change)
        return new, change

    def _field(self, entry: Entry, new: NewNode, change: Change) -> None:
        if entry.name in ("0.", ".") or entry.name.endswith("."):
            change.note("migrate.note_empty", name=entry.name)
            return
        if not looks_like_field(entry.name):
            raise Kept("migrate.stays_field_name", name=entry.name)
        if any(field.name == entry.name for field in new.fields):
            change.note("migrate.note_twice", name=entry.name)
            new.fields = [field for field in new.fields if field.name != entry.name]
            new.links.pop(entry.name, None)
            new.values.pop(entry.name, None)
        if isinstance(entry.value, str):
            new.values[entry.name] = entry.value
            new.fields.append(NewField(entry.name, "STRING"))
            return
        media, source = self._media(entry)
        if media == "IMAGE":
            new.values["batch"] = "first"
            change.note("migrate.note_first")
        if media == "AUDIO":
            change.note("migrate.note_audio")
        new.links[entry.name] = source
        new.fields.append(NewField(entry.name, media or "*"))

    def _finish(
        self, node: OldNode, new: NewNode, change: Change, outputs: tuple[str, ...], site: str
    ) -> None:
        if site:
            change.note("migrate.note_site", site=site)
        change.note("migrate.note_placeholders")
        self._place(node, new, change, outputs)

    def _place(self, node: OldNode, new: NewNode, change: Change, outputs: tuple[str, ...]) -> None:
        """Put the new node under the old one's id, and map the old outputs to the new ones."""
        self.plan.put[node.id] = new
        self.plan.changes.append(change)
        frames = ""
        for slot, name in enumerate(outputs):
            source = Source(node.id, slot)
            readers = self.graph.readers.get(source, ())
            if name == "frames" and readers:
                if not frames:
                    helper = NewNode("GetVideoComponents", near=node.id)
                    helper.links["video"] = Output(node.id, "video")
                    frames = self.plan.add(helper)
                    change.note("migrate.note_frames")
                self.plan.moved[source] = Output(frames, "images")
            elif name and name != "frames":
                self.plan.moved[source] = Output(node.id, name)
                if name == "video" and readers and outputs.count("video") > 1:
                    change.note("migrate.note_videos")
            elif not name:
                for reader in readers:
                    change.note("migrate.note_lost", slot=slot + 1, reader=reader.label)

    # the inputs of an order

    def _settings(self, node: OldNode, name: str) -> tuple[OldNode, Settings]:
        source = node.links.get(name)
        if source is not None and source.node in BORDERS:
            return self._settings_outside(source.slot)
        settings = self.graph.nodes.get(source.node) if source else None
        rule = self._rules.get(settings.id) if settings else None
        if settings is None or not isinstance(rule, Settings):
            raise Kept("migrate.stays_no_settings")
        return settings, rule

    def _settings_outside(self, slot: int) -> tuple[OldNode, Settings]:
        """Settings outside that feed the subgraph's input `slot`. Raises Kept if uses differ."""
        every = self.graph.outside.get(slot, ())
        first = every[0] if every else None
        rule = rule_of(first) if first else None
        if first is None or not isinstance(rule, Settings) or rule.target in first.links:
            raise Kept("migrate.stays_no_settings")
        if any(node.values != first.values or node.links for node in every):
            raise Kept("migrate.stays_settings_differ")
        # A new id: inside the subgraph the same number may be another node's.
        return replace(first, id=f"outside {first.id}"), rule

    def _entries(self, source: Source | None) -> tuple[list[Entry], list[str]]:
        """Entries of the linked list, in order, and ids of the nodes that made it. Raises Kept."""
        entries: list[Entry] = []
        used: list[str] = []
        while source is not None:
            node = self.graph.nodes.get(source.node)
            rule = self._rules.get(source.node)
            if node is None or node.id in used:
                raise Kept("migrate.stays_list", node=node.title if node else "subgraph")
            if isinstance(rule, Entries):
                own = [
                    entry for names in rule.names for entry in self._entry(node, names, rule.media)
                ]
            elif isinstance(rule, Upload) and rule.names is not None and source.slot == 1:
                own = list(self._uploaded_entry(node, rule.names))
            else:
                raise Kept("migrate.stays_list", node=node.title)
            entries[:0] = own
            used.append(node.id)
            source = node.links.get(rule.previous)
        return entries, [*used, *self._uploaders(entries)]

    def _uploaders(self, entries: list[Entry]) -> Iterator[str]:
        """Ids of the uploaders that entries link to, and of the nodes that feed those."""
        for entry in entries:
            if isinstance(entry.value, Source) and entry.value.node in self._rules:
                yield entry.value.node
                node = self.graph.nodes[entry.value.node]
                yield from (link.node for link in node.links.values() if link.node in self._rules)

    def _entry(self, node: OldNode, names: Names, media: str) -> Iterator[Entry]:
        name = self._field_name(node, names)
        if media:
            source = node.links.get(names.value)
            if source is not None and name:
                yield Entry(name, source, media)
        elif name:
            yield Entry(name, node.links.get(names.value) or node.text(names.value))

    def _uploaded_entry(self, node: OldNode, names: Names) -> Iterator[Entry]:
        name = self._field_name(node, names)
        if name and node.text(names.node).strip():
            yield Entry(name, Source(node.id, 0))

    def _field_name(self, node: OldNode, names: Names) -> str:
        """`6.text`; "" for an unused entry of a node with several. Raises Kept for a link."""
        for name in (names.node, names.field, names.custom):
            if name in node.links:
                raise Kept("migrate.stays_linked", name=name)
        node_id, field = node.text(names.node), node.text(names.field)
        if names.custom:
            node_id, field = node_id.strip(), field.strip()
            if field == "custom":
                field = node.text(names.custom).strip() or field
        is_one_of_many = names.node[-1].isdigit()
        return "" if is_one_of_many and not (node_id and field) else f"{node_id}.{field}"

    def _media(self, entry: Entry) -> tuple[str, Source | Output]:
        """Media type and source of a linked field; an uploader in between is bypassed."""
        source = entry.value
        assert isinstance(source, Source)  # noqa: S101 - the caller asked
        node, rule = self.graph.nodes.get(source.node), self._rules.get(source.node)
        if entry.media or node is None or not isinstance(rule, Upload) or source.slot != 0:
            return entry.media, source
        uploaded = self._upload_source(node, rule)
        return (rule.media, uploaded) if uploaded is not None else ("", source)

    def _upload_source(self, node: OldNode, rule: Upload) -> Source | Output | None:
        """The source that an uploader uploads; None if the graph does not tell."""
        link = node.links.get(rule.source)
        if rule.loader:
            loader = self.graph.nodes.get(link.node) if link else None
            if loader is None or loader.class_type != rule.loader:
                return None
            return self._loaded(loader, rule.media, loader.text("audio_filename"))
        if rule.is_file:
            return None if link else self._loaded(node, rule.media, node.text(rule.source))
        return link

    def _loaded(self, node: OldNode, media: str, file: str) -> Output | None:
        if not file.strip():
            return None
        class_type, name, output = _LOADERS[media]
        if node.id not in self._loaders:
            loader = NewNode(class_type, {name: file.strip()}, near=node.id)
            self._loaders[node.id] = self.plan.add(loader)
        return Output(self._loaders[node.id], output)

    def _copy_input(self, node: OldNode, old: str, new: NewNode, name: str) -> None:
        """Copy the link or value of input `old` to input `name` of `new`, if there is one."""
        if old in node.links:
            new.links[name] = node.links[old]
        elif node.values.get(old) is not None:
            new.values[name] = node.values[old]

    def _switch(self, node: OldNode, name: str) -> bool:
        if name and name in node.links:
            raise Kept("migrate.stays_linked", name=name)
        return bool(name) and node.values.get(name) in (True, "true", "True", 1)

    # the remaining nodes

    def _drop(self) -> None:
        """Drop, to a fixpoint, the chains' nodes whose every reader is removed."""
        parts = {
            node_id
            for node_id, rule in self._rules.items()
            if (node := self.graph.nodes[node_id]).live
            and (isinstance(rule, (Settings, Entries, Upload)) or node.class_type in _HELPERS)
        }
        while True:
            gone = {
                node_id
                for node_id in parts - self.plan.dropped - set(self.plan.put) - set(self.plan.kept)
                if (ends := self.graph.dependents.get(node_id))
                and all(self.plan.removes(end) for end in ends)
            }
            if not gone:
                return
            self.plan.dropped |= gone

    def _drop_unused_added(self) -> None:
        """Remove added nodes that nothing reads, such as loaders of orders that are kept."""
        starts = [*self.plan.moved.values()]
        for new in self.plan.new_nodes().values():
            starts += [start for start in new.links.values() if isinstance(start, Output)]
        used = {start.node for start in starts}
        self.plan.added = {name: new for name, new in self.plan.added.items() if name in used}

    def _replace_uploaders(self) -> None:
        """Replace the remaining uploaders, whose remote names other nodes read as well."""
        for node_id, rule in self._rules.items():
            node = self.graph.nodes[node_id]
            readers = self.graph.readers.get(Source(node_id, 0))
            if not isinstance(rule, Upload) or self.plan.removes(node_id) or not readers:
                continue
            if node_id in self.skip or self._feeds_kept_order(node_id) or not node.live:
                continue
            uploaded = self._upload_source(node, rule)
            if uploaded is None or self.graph.readers.get(Source(node_id, 1)):
                continue
            new = NewNode(_UPLOADS[rule.media], title=node.own_title)
            new.links[rule.media.lower()] = uploaded
            self._place(node, new, Change([node_id], new.class_type), ("file_name",))

    def _feeds_kept_order(self, node_id: str) -> bool:
        """Whether a kept order depends on the node: it may use another account."""
        waiting, seen = [node_id], {node_id}
        while waiting:
            for dependent in self.graph.dependents.get(waiting.pop(), ()):
                rule = self._rules.get(dependent)
                if dependent in self.plan.kept and isinstance(rule, (Execute, Direct, Stays)):
                    return True
                if isinstance(rule, Stays):
                    return True
                if dependent not in seen and not self.plan.removes(dependent):
                    seen.add(dependent)
                    waiting.append(dependent)
        return False

    def _explain_kept(self) -> None:
        for node_id, rule in self._rules.items():
            if not self.plan.removes(node_id) and node_id not in self.plan.kept:
                self.plan.kept[node_id] = Sentence(self._why(node_id, rule))

    def _why(self, node_id: str, rule: Rule) -> str:
        if isinstance(rule, Stays):
            return rule.why
        if isinstance(rule, Single):
            return "migrate.stays_helper"
        if not self.graph.nodes[node_id].live:
            return "migrate.stays_off"
        is_read = bool(self.graph.dependents.get(node_id))
        return "migrate.stays_needed" if is_read else "migrate.stays_unread"
