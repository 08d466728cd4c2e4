// @ts-check
// Sizes, times and prices in words.

import { language } from "./comfy.js";
import { t } from "./texts.js";

/** @param {number | string} value @param {number} [digits] at most, behind the point */
export function numberText(value, digits = 2) {
  const number = Number(value);
  return Number.isFinite(number)
    ? number.toLocaleString(language(), { maximumFractionDigits: digits })
    : String(value);
}

/** @param {...any} parts what is falsy is left out */
export const dotted = (...parts) => parts.filter(Boolean).join(" \u00b7 ");

/** @param {number} bytes */
export function bytesText(bytes) {
  const step = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${numberText(bytes / 1000 ** step, step ? 1 : 0)} ${["B", "kB", "MB", "GB"][step]}`;
}

/** "usually 34 s, about 7 coins"; "" when nothing is known. @param {RhEstimate | null | undefined} estimate */
export function estimateText(estimate) {
  if (!estimate?.runs || estimate.seconds === null) {
    return "";
  }
  const { coins, money } = estimate;
  const seconds = Math.max(1, Math.round(estimate.seconds));
  const time =
    seconds < 100 ? t("amounts.seconds", { seconds }) : t("amounts.minutes", { minutes: numberText(seconds / 60, 1) });
  return [
    t("amounts.usually", { time }),
    coins ? t(numberText(coins, 1) === "1" ? "amounts.coin" : "amounts.coins", { coins: numberText(coins, 1) }) : "",
    money ? t("amounts.money", { money: numberText(money, 4) }) : "",
  ]
    .filter(Boolean)
    .join(t("amounts.comma"));
}
