// Panel tab of orders under way, of every account with a key here, also from other pages and processes.

import { revealNode } from "../../host/graph.js";
import { lazy } from "../../host/lazy.js";
import { post } from "../../host/server.js";
import { coinsText, dotted, moneyText, t as text, textsOf } from "../../host/texts.js";
import { actionButton, keepFocus, statusLine, h, setStatus, setStatusError } from "../../lib/view.js";
import { isStopping } from "../tasks.js";

const t = textsOf("panel");

const SHOWN = 1000; // poll interval in ms: an order may begin at any time, also from elsewhere
const HIDDEN = 5000; // while the page is hidden

/** Whether permission to notify was not requested yet; requires a secure context. */
const canAskAway = () => "Notification" in window && window.isSecureContext && Notification.permission === "default";

/** Request permission; true if granted. */
const askAway = async () => (await Notification.requestPermission()) === "granted";

/** @returns {RhPanelView} */
export function makeView() {
	const list = h("div", { className: "tasks", "aria-live": "off" });
	const status = statusLine();
	const awayStatus = statusLine();
	const away = canAskAway() && actionButton(t("now.away"), awayStatus, async () => void (awayStatus.textContent = t((await askAway()) ? "now.away_yes" : "now.away_no")));
	/** @type {Map<number, { key: string, view: any, progress: any }>} */
	const cards = new Map();
	let timer = 0;
	let turn = 0;
	let isOpen = true;

	async function look() {
		if (!isOpen) return; // an action on a card has ended since
		const mine = ++turn; // an earlier request may be answered later
		clearTimeout(timer);
		try {
			const { tasks } = await post("/runninghub/now", {});
			const { taskView } = await lazy("features/tasks.mjs");
			if (mine !== turn) return;
			setStatus(status, tasks.length === 0 ? t("now.none") : "");
			keepFocus(list.parentElement ?? list, () => draw(tasks, taskView));
		} catch (error) {
			if (mine !== turn) return;
			setStatusError(status, error);
		}
		timer = window.setTimeout(look, document.hidden ? HIDDEN : SHOWN);
	}

	/** @param {any[]} tasks @param {any} taskView */
	function draw(tasks, taskView) {
		const numbers = new Set(tasks.map(({ order }) => order));
		for (const [order, { view }] of cards) {
			if (numbers.has(order)) continue;
			view.remove();
			cards.delete(order);
		}
		for (const task of tasks) {
			// A card is rebuilt only when its order changes: its focus or armed button survives.
			const key = JSON.stringify([task.state, task.task_id, task.followed, task.cancelling, task.uncertain, task.over, task.node]);
			let card = cards.get(task.order);
			if (card?.key !== key) {
				const view = taskView(task, look, () => {});
				const progress = progressView(task);
				view.querySelector("p")?.after(progress.view);
				if (card) card.view.replaceWith(view);
				else list.append(view);
				card = { key, view, progress };
				cards.set(task.order, card);
			}
			card.progress.update(task);
		}
	}

	void look();
	return {
		content: [status, list, away, awayStatus],
		close() {
			isOpen = false;
			turn += 1;
			clearTimeout(timer);
		},
	};
}

/** @param {any} task */
function progressView(task) {
	const status = statusLine();
	const line = h("p", "line");
	const bar = h("progress", { max: 1, "aria-label": t("now.progress") });
	const picture = h("img", { className: "preview", alt: t("now.preview"), hidden: true });
	const facts = h("p", "muted");
	const node = task.node && actionButton(t("now.show_node"), status, () => void (status.textContent = revealNode(task.node) ? "" : t("now.no_node")));
	const view = h("div", "progress", picture, line, bar, facts, node, status);
	return { view, update: (/** @type {any} */ now) => fillProgress(now, { line, bar, picture, facts, view }) };
}

/** @type {(task: any, parts: Record<string, any>) => void} */
function fillProgress(task, { line, bar, picture, facts, view }) {
	const { line: doing, share, preview, elapsed, usual, coins, money, currency, uncertain, over } = task;
	view.hidden = uncertain || isStopping(task);
	line.textContent = doing;
	bar.hidden = over;
	if (share === null) bar.removeAttribute("value");
	else bar.value = share;
	picture.hidden = !preview;
	if (preview && picture.src !== preview) picture.src = preview;
	const seconds = (/** @type {number} */ value) => text("amounts.seconds", { seconds: Math.round(value) });
	facts.textContent = dotted(
		!over && elapsed !== null && t("now.elapsed", { time: seconds(elapsed) }),
		!over && usual !== null && text("amounts.usually", { time: seconds(usual) }),
		coinsText(coins),
		moneyText(money, currency),
	);
}
