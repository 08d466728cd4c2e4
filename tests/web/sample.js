// A program as the server tells it, for the tests of what the canvas makes of one.

/** @returns {any} */
export function program(changes = {}) {
  return {
    kind: "workflow",
    id: "1900000000000000109",
    name: "",
    link: "https://www.runninghub.ai/workflow/1900000000000000109",
    hash: "one",
    sandbox: false,
    nodes: [
      node("3", "Positive", "CLIPTextEncode", [field("3.text", "STRING", "a cat", { label: "Positive", multiline: true, suggested: true })]),
      node("10", "Photo", "LoadImage", [field("10.image", "IMAGE", "example.png", { label: "Photo", suggested: true })]),
      node("12", "KSampler", "KSampler", [
        field("12.seed", "INT", 42, { label: "KSampler · seed", seed: true, suggested: true, min: 0 }),
        field("12.steps", "INT", 20, { label: "KSampler · steps", suggested: true, min: 1, max: 10000 }),
        field("12.cfg", "FLOAT", 7, { label: "KSampler · cfg", min: 0, max: 100, step: 0.1 }),
        field("12.sampler_name", "COMBO", "euler", { label: "KSampler · sampler_name", options: ["euler", "heun"] }),
      ]),
    ],
    outputs: [output("14", "Save Image", "IMAGE", true), output("15", "Show", "STRING", false)],
    app: null,
    ...changes,
  };
}

/** @returns {any} */
export function node(id, title, class_type, fields) {
  return { id, title, class_type, fields };
}

/** @returns {any} */
export function field(name, kind, stored, more = {}) {
  return { name, field: name.slice(name.indexOf(".") + 1), kind, stored, label: name, ...more };
}

/** @returns {any} */
export function output(id, title, type, suggested) {
  return { id, title, class_type: "Saver", type, suggested };
}
