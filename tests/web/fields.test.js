// How fields stand on a node, and which values their widgets take.

import { expect, test } from "vitest";
import { carryOver, coerce, sentValue, controlOf, sameControl, startValue } from "../../web/js/lib/fields.js";
import { readField } from "../../web/js/lib/form.js";

const field = (kind, stored, more = {}) => readField({ name: "3.x", label: "X", kind, stored, ...more });

test.each([
  ["IMAGE", "IMAGE"],
  ["ZIP", "IMAGE"],
  ["VIDEO", "VIDEO"],
  ["AUDIO", "AUDIO"],
])("a field of kind %s is a socket that also takes a remote name", (kind, type) => {
  const { socket } = controlOf(field(kind, "a.png"));
  expect(socket.split(",")).toContain(type);
  expect(socket.split(",")).toContain("STRING");
});

test("a text is multiline where the remote one is", () => {
  expect(controlOf(field("STRING", "a", { multiline: true })).spec[1]).toMatchObject({ multiline: true, default: "a" });
  expect(controlOf(field("STRING", "a")).spec[1].multiline).toBe(false);
});

test("a seed has a control of its own name", () => {
  const { widget, spec } = controlOf(field("INT", 42, { seed: true, min: 0 }));
  expect(widget).toBe("INT");
  expect(spec[1]).toMatchObject({ default: 42, min: 0, control_after_generate: true, control_prefix: "3.x" });
});

test("whole numbers stay in what JavaScript holds exactly", () => {
  const { spec } = controlOf(field("INT", 5, { min: "-9223372036854775808", max: "18446744073709551615" }));
  expect(spec[1].max).toBe(Number.MAX_SAFE_INTEGER);
  expect(spec[1].min).toBe(-Number.MAX_SAFE_INTEGER);
});

test("a stored value outside of the known range is not cut", () => {
  expect(controlOf(field("FLOAT", 250, { min: 0, max: 100 })).spec[1]).toMatchObject({ min: 0, max: 250, default: 250 });
});

test.each([
  [0.123456, undefined, 0.000001],
  [7, 0.1, 0.01],
  [1, undefined, 0.01],
  [5e-7, undefined, 1e-7],
])("a fraction %s keeps its digits", (stored, step, round) => {
  expect(controlOf(field("FLOAT", stored, { step })).spec[1].round).toBeCloseTo(round, 10);
});

test("a stored choice that is not among the options is offered first", () => {
  expect(controlOf(field("COMBO", "mine", { options: ["a", "b"] })).spec[0]).toEqual(["mine", "a", "b"]);
});

test("a list is edited as its JSON", () => {
  expect(startValue(field("JSON", [1, { a: 2 }]))).toBe('[1,{"a":2}]');
});

test.each([
  ["INT", 20, "7", 7],
  ["INT", 20, "seven", 20],
  ["INT", 20, 7.6, 8],
  ["INT", 20, true, 20],
  ["INT", 20, null, 20],
  ["FLOAT", 1.5, "2.25", 2.25],
  ["FLOAT", 1.5, {}, 1.5],
  ["FLOAT", 1.5, Infinity, 1.5],
  ["BOOLEAN", true, "false", false],
  ["BOOLEAN", true, 0, true],
  ["STRING", "a", 5, "5"],
  ["STRING", "a", [1], "a"],
])("%s with %s stored makes of %s %s", (kind, stored, value, expected) => {
  expect(coerce(field(kind, stored), value)).toBe(expected);
});

test("a value out of range is brought into it, a choice that is not offered is not taken", () => {
  expect(coerce(field("INT", 20, { min: 1, max: 100 }), 5000)).toBe(100);
  expect(coerce(field("COMBO", "a", { options: ["a", "b"] }), "c")).toBe("a");
});

test("a seed too big for JavaScript goes out as it is stored, until it is changed", () => {
  const big = field("INT", "18446744073709551615", { seed: true });
  expect(sentValue(big, startValue(big))).toBe("18446744073709551615");
  expect(sentValue(big, 7)).toBe(7);
});

test("after a change a person's value stays, an untouched one follows the program", () => {
  const before = field("INT", 20);
  expect(carryOver(before, field("INT", 30), 20)).toBe(30);
  expect(carryOver(before, field("INT", 30), 25)).toBe(25);
  expect(carryOver(before, field("FLOAT", 1.5), "x")).toBe(1.5);
});

test("another label or stored value needs no new widget, another range does", () => {
  const original = field("INT", 20, { min: 0, max: 9 });
  expect(sameControl(original, field("INT", 5, { min: 0, max: 9, label: "Y" }))).toBe(true);
  expect(sameControl(original, field("INT", 20, { min: 0, max: 8 }))).toBe(false);
  expect(sameControl(field("IMAGE", "a"), field("VIDEO", "a"))).toBe(false);
});
