// Localized texts by key, and formatted sizes, times and prices, in ComfyUI's language.

import { clean } from "../lib/form.js";
import { language, request } from "./comfy.js";

/** @typedef {(key: string, params?: Record<string, unknown>) => string} Translate */

/**
 * Typical time and cost of earlier runs, null if unknown. `quote`: the expected cost of a run, as text.
 * @typedef {{ runs: number | null, seconds: number | null, quote?: string }} Estimate
 */

/** @type {Record<string, any>} */
let languages = {};

/** @type {Promise<void> | null} */
let loading = null;

/** Load the texts once; a failure is retried at the next call. Never rejects. */
export function loadTexts() {
	loading ??= fetchTexts().catch(() => {
		loading = null;
	});
	return loading;
}

async function fetchTexts() {
	const answer = await request("/i18n");
	if (answer.ok) languages = await answer.json();
	else loading = null;
}

/** The text `runninghub.canvas.<key>` with its placeholders filled; English, else the key, where it is missing. @type {Translate} */
export function t(key, params = {}) {
	const sentence = find(language(), key) ?? find("en", key) ?? key;
	return sentence.replace(/\{(\w+)\}/g, (hole, name) => (Object.hasOwn(params, name) ? String(params[name]) : hole));
}

/** `t` for the keys of one section. @type {(section: string) => Translate} */
export const textsOf = (section) => (key, params) => t(`${section}.${key}`, params);

/** Of a text by language, from the server, that in ComfyUI's language. @param {Record<string, string>} texts */
export const localized = (texts) => texts[language()] ?? texts.en ?? "";

/** @type {(locale: string, key: string) => string | undefined} */
function find(locale, key) {
	const text = key.split(".").reduce((from, step) => from?.[step], languages[locale]?.runninghub?.canvas);
	return typeof text === "string" ? text : undefined;
}

/** Without separators of thousands, as sums are typed and as the server tells them. @type {(value: number | string, digits?: number) => string} */
export function numberText(value, digits = 2) {
	const number = Number(value);
	return Number.isFinite(number) ? number.toLocaleString(language(), { maximumFractionDigits: digits, useGrouping: false }) : String(value);
}

/** A program's name, else its kind and id; of a part of a graph the kind alone. @type {(program: { name: string, kind: string, id: string }, length?: number) => string} */
export const programTitle = ({ name, kind, id }, length = 120) => clean(name, length) || dotted(t(`tasks.kind.${kind}`), id);

/** @param {...any} parts */
export const dotted = (...parts) => parts.filter(Boolean).join(" · ");

/** A price text without its trailing remark in brackets, which names its source. */
export const shortPrice = (text = "") => text.replace(/\s*[(（][^()（）]*[)）]$/u, "");

export function bytesText(bytes = 0) {
	const step = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
	return `${numberText(bytes / 1000 ** step, step ? 1 : 0)} ${["B", "kB", "MB", "GB"][step]}`;
}

/** "about 7 coins (…), usually 34 s": where it is cut, the money stays; "" when nothing is known. @param {Estimate | null} estimate */
export function estimateText(estimate) {
	const quote = estimate?.quote ?? "";
	if (!estimate?.runs || estimate.seconds === null) return quote;
	const seconds = Math.max(1, Math.round(estimate.seconds));
	const time =
		seconds < 100 ? t("amounts.seconds", { seconds }) : t("amounts.minutes", { minutes: numberText(seconds / 60, 1) });
	return [quote, t("amounts.usually", { time })].filter(Boolean).join(t("amounts.comma"));
}

/** "1 coin", "14 coins"; "" for none. @param {string | number | null} coins */
export const coinsText = (coins) => Number(coins) > 0 ? t(Number(coins) === 1 ? "amounts.spent_coin" : "amounts.spent_coins", { coins: numberText(coins ?? 0) }) : "";

/** "0.35 USD"; "" for none. @param {string | number | null} money @param {string} [currency] "": the site does not say */
export const moneyText = (money, currency = "") =>
	Number(money) > 0 ? (currency ? `${numberText(money ?? 0, 4)} ${currency}` : t("amounts.spent_money", { money: numberText(money ?? 0, 4) })) : "";
