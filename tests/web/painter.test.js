// Labels and frames: what is drawn where, at which scale.

import { expect, test } from "vitest";

import { drawChips, truncated } from "../../web/js/host/painter.js";

/** A canvas's context that writes down what is asked of it. */
function paper() {
  const drawn = [];
  return {
    drawn,
    save() {},
    restore() {},
    beginPath() {},
    stroke() {
      drawn.push(["frame", this.strokeStyle, this.lineWidth]);
    },
    fill() {},
    boxes: [],
    roundRect(...box) {
      this.boxes.push(box);
    },
    measureText: (text) => ({ width: 7 * text.length }),
    fillText(text, x) {
      drawn.push([text, x]);
    },
  };
}

const CHIPS = [
  { text: "one", color: "#111" },
  { text: "two", color: "#222", frame: true },
];

test("labels stand side by side, and a frame has the colour of its label", () => {
  const { drawn, ...context } = paper();
  drawChips(Object.assign(context, { drawn }), [100, 50, 200, 80], CHIPS, 1);
  const [frame, first, second] = drawn;
  expect(frame).toEqual(["frame", "#222", 3]);
  expect([first[0], second[0]]).toEqual(["one", "two"]);
  expect(second[1]).toBeGreaterThan(first[1] + 3 * 7);
});

test("labels stay above their own thing, one above the other, and cover none of it", () => {
  const context = paper();
  const long = { text: "The cloud task failed in node 3: no memory left", color: "#333" };
  drawChips(context, [100, 50, 200, 80], [long, CHIPS[0], long], 1);
  expect(context.boxes).toHaveLength(3);
  for (const [left, top, wide, high] of context.boxes) {
    expect(left).toBe(100);
    expect(left + wide).toBeLessThanOrEqual(300);
    expect(top + high).toBeLessThanOrEqual(50);
  }
  const tops = context.boxes.map(([, top]) => top);
  expect(tops[0] - tops[1]).toBeGreaterThanOrEqual(context.boxes[0][3]);
  expect(tops[1] - tops[2]).toBeGreaterThanOrEqual(context.boxes[0][3]);
  expect(context.drawn[0][0]).toMatch(/^The cloud task.*…$/u);
});

test("labels of what is selected stand below it, one under the other", () => {
  const context = paper();
  const long = { text: "The cloud task failed in node 3: no memory left", color: "#333" };
  drawChips(context, [100, 50, 200, 80], [long, long], 1, true);
  const [[, first], [, second]] = context.boxes;
  expect(first).toBeGreaterThanOrEqual(130);
  expect(second - first).toBeGreaterThanOrEqual(context.boxes[0][3]);
});

test("from far away the frame stays as thick on the screen, and labels are left out", () => {
  const context = paper();
  drawChips(context, [0, 0, 200, 80], CHIPS, 0.3);
  expect(context.drawn).toEqual([["frame", "#222", 10]]);
});

test("a label that is too long ends after a whole word, where it has words", () => {
  expect(truncated(paper(), "about 7 coins, usually 34 s", 7 * 18)).toBe("about 7 coins,…");
  expect(truncated(paper(), "about 7 coins, usually 34 s", 7 * 14)).toBe("about 7 coins…");
  expect(truncated(paper(), "预计约七个金币通常三十四秒", 7 * 6)).toBe("预计约七个…");
  expect(truncated(paper(), "about", 7 * 3)).toBe("ab…");
});
