// Panel tab of an account's spending: today, week and month, by day and by program, against its limits.

import { language } from "../../host/comfy.js";
import { post } from "../../host/server.js";
import { coinsText, dotted, moneyText, numberText, programTitle, textsOf } from "../../host/texts.js";
import { statusLine, h, row, setStatus, setStatusError } from "../../lib/view.js";
import { profileSelect, readSettings } from "../profiles.js";

const t = textsOf("panel");

const DAYS = 30;

/** @returns {RhPanelView} */
export function makeView() {
	const status = statusLine();
	const body = h("div", "spend");
	const account = profileSelect("");
	account.setAttribute("aria-label", t("spend.account"));
	account.hidden = true; // without a key all orders are summed
	readSettings().then(({ profiles }) => (account.hidden = profiles.length === 0), () => null);
	let turn = 0;
	async function load() {
		const mine = ++turn;
		setStatus(status);
		body.replaceChildren(); // the sums of another account
		try {
			const spending = await post("/runninghub/spend", { days: DAYS, profile: account.value });
			if (mine === turn) body.replaceChildren(...spendView(spending).filter(Boolean));
		} catch (error) {
			if (mine !== turn) return;
			setStatusError(status, error);
		}
	}
	account.onchange = () => void load();
	void load();
	return { content: [account, status, body], close: () => (turn += 1) };
}

/** @param {any} spending */
function spendView(spending) {
	const { currency, days, programs, today, week, all, limits, balance, csv } = spending;
	const balanceLine = balance && h("p", "", t("spend.balance", { sum: balance }));
	const sums = [
		["today", today],
		["week", week],
		["month", all],
	].map(([key, sum]) => h("div", "sum", h("span", "muted", t(`spend.${key}`)), h("strong", "", spentText(sum, currency)), h("span", "muted", t(sum.orders === 1 ? "spend.order" : "spend.orders", { count: sum.orders }))));
	const untold = all.untold > 0 && h("p", "muted", t(all.untold === 1 ? "spend.untold_one" : "spend.untold", { count: all.untold }));
	if (all.orders === 0) return [balanceLine, h("div", "sums", ...sums), ...limitViews(limits), h("p", "muted", t("spend.none"))];
	const byDay = charts(days, currency);
	return [
		balanceLine,
		h("div", "sums", ...sums),
		...limitViews(limits),
		byDay.length > 0 && h("h3", "", t("spend.by_day")),
		...byDay,
		h("h3", "", t("spend.by_program")),
		programTable(programs, currency),
		untold,
		row(save(t("spend.csv_day"), "runninghub-days.csv", csv.day), save(t("spend.csv_program"), "runninghub-programs.csv", csv.program)),
	];
}

/** The reported cost of orders; says so where some costs are unknown. @type {(sum: any, currency: string) => string} */
export function spentText(sum, currency) {
	const text = sumText(sum, currency);
	if (sum.untold > 0) return text ? t("spend.or_more", { sum: text }) : t("spend.not_told");
	return text || t("spend.nothing");
}

/** @type {(sum: any, currency: string) => string} */
function sumText({ coins, money, third_party_money: third }, currency) {
	const total = money === null && third === null ? 0 : Number(money ?? 0) + Number(third ?? 0);
	return dotted(coinsText(coins), moneyText(total, currency));
}

/** @param {any[]} limits */
function limitViews(limits) {
	return limits.map(({ unit, spent, limit }) => {
		const label = t("spend.limit", { spent: numberText(spent, 4), limit: numberText(limit, 4), unit });
		return h("div", "limit", h("span", "", label), h("progress", { max: Number(limit) || 1, value: Math.min(Number(spent), Number(limit)), "aria-label": label }));
	});
}

/** A chart per unit (coins, money) that was spent. @type {(days: any[], currency: string) => any[]} */
function charts(days, currency) {
	/** @type {[(value: number) => string, (day: any) => number][]} */
	const kinds = [
		[coinsText, ({ coins }) => Number(coins ?? 0)],
		[(money) => moneyText(money, currency), ({ money, third_party_money: third }) => Number(money ?? 0) + Number(third ?? 0)],
	];
	return kinds.filter(([, of]) => days.some((day) => of(day) > 0)).map(([format, of]) => chart(days, format, of));
}

/** Bars of the last DAYS days; for screen readers a list. @type {(days: any[], format: (value: number) => string, of: (day: any) => number) => any} */
function chart(days, format, of) {
	const byDay = new Map(days.map((day) => [day.day, of(day)]));
	const dates = lastDays(DAYS);
	const most = Math.max(...dates.map((date) => byDay.get(date) ?? 0)) || 1;
	const bars = dates.map((date) => {
		const value = byDay.get(date) ?? 0;
		const label = `${dayText(date)}: ${format(value) || t("spend.nothing")}`;
		const bar = h("span", { className: "bar", title: label });
		bar.style.height = `${value > 0 ? Math.max(3, (100 * value) / most) : 0}%`;
		return h("span", { className: "day", title: label, role: "listitem", ariaLabel: label }, bar);
	});
	return h(
		"figure",
		"chart",
		h("figcaption", "muted", t("spend.chart", { sum: format(most) })),
		h("div", { className: "bars", role: "list", "aria-label": t("spend.by_day") }, ...bars),
		h("div", "axis muted", h("span", "", dayText(dates[0] ?? "")), h("span", "", dayText(dates.at(-1) ?? ""))),
	);
}

/** The last `count` local dates up to today, as YYYY-MM-DD. @param {number} count */
export function lastDays(count, now = new Date()) {
	return Array.from({ length: count }, (_, index) => {
		const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - (count - 1 - index), 12);
		return `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, "0")}-${String(day.getDate()).padStart(2, "0")}`;
	});
}

const dayText = (day = "") => new Date(`${day}T12:00`).toLocaleDateString(language(), { month: "short", day: "numeric" });

/** @type {(programs: any[], currency: string) => any} */
function programTable(programs, currency) {
	const rows = programs.map((program) =>
		h("tr", "", h("td", "", programTitle(program, 80)), h("td", "number", String(program.orders)), h("td", "number", spentText(program, currency))),
	);
	const head = h("tr", "", h("th", { scope: "col" }, t("spend.program")), h("th", { scope: "col", className: "number" }, t("spend.count")), h("th", { scope: "col", className: "number" }, t("spend.cost")));
	return h("table", "", h("thead", "", head), h("tbody", "", ...rows));
}

/** @type {(label: string, name: string, content: string) => any} */
function save(label, name, content) {
	// With a BOM, by which spreadsheets detect UTF-8.
	const href = URL.createObjectURL(new Blob(["\ufeff", content], { type: "text/csv" }));
	return h("a", { href, download: name, className: "button" }, label);
}
