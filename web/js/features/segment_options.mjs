// Dialog of a segment's options: machine, account, limit of time, queue, route, saved workflow.

import { openDialog } from "../host/dialogs.js";
import { t as text, textsOf } from "../host/texts.js";
import { INSTANCES } from "../lib/marks.js";
import { h, page } from "../lib/view.js";
import { profileSelect, routeSelect } from "./profiles.js";

const t = textsOf("segments");
const tAccount = textsOf("account");

/** `count`: of marked things, 0 for the whole graph. `setMark`: change their mark, or with null remove it. @type {(current: RhMark, count: number, setMark: (mark: RhMark | null) => void, focused?: string) => void} */
export function openSegmentOptions(current, count, setMark, focused) {
	const { segment: name } = current;
	const size = h("select", "", ...INSTANCES.map((value) => h("option", { value }, t(`size.${value}`))));
	size.value = current.instance || "default";
	const only = h("input", { type: "checkbox", checked: current.only });
	const profile = profileSelect(current.profile ?? "");
	const timeout = h("input", { type: "number", min: "0", value: String(current.timeout ?? "") });
	const workflow = h("input", { value: String(current.workflow ?? ""), autofocus: focused === "workflow" });
	const queue = h("input", { type: "checkbox", checked: Boolean(current.use_personal_queue) });
	const route = routeSelect(current.route ?? "", t("route_unsaid"));
	/** @returns {RhMark} */
	const entered = () => ({
		...current,
		instance: size.value,
		only: only.checked,
		route: route.value,
		profile: profile.value,
		timeout: Math.floor(Number(timeout.value)) || 0,
		workflow: workflow.value.trim(),
		use_personal_queue: queue.checked,
	});
	const apply = () => timeout.reportValidity() && setMark(entered());
	/** @param {string} key @param {HTMLElement} input */
	const field = (key, input) => h("label", "", t(key), input);
	/** @param {string} key @param {HTMLElement} input */
	const checkbox = (key, input) => h("label", "check", input, h("span", "", t(key)));
	openDialog({
		title: count ? t("options_title", { name, count }) : t("whole_options"),
		body: page(
			field("size_label", size),
			checkbox("only_long", only),
			field("profile_label", profile),
			field("timeout_label", timeout),
			checkbox("queue_long", queue),
			field("route_label", route),
			h("p", "muted", tAccount("routes.hint")),
			field("workflow_label", workflow),
		),
		buttons: [
			{ label: t(count ? "unmark_segment" : "whole_off"), run: () => setMark(null) },
			{ label: text("form.cancel") },
			{ label: t("apply"), primary: true, run: apply },
		],
	});
}
