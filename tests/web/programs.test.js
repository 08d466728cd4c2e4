// What a program node says that it runs.

import { expect, test } from "vitest";

import { programIdIn, idIn, isOurs, programOf, setWidget, withoutKey } from "../../web/js/lib/nodes.js";

test.each([
  ["1900000000000000109", "1900000000000000109"],
  [" https://www.runninghub.ai/workflow/1900000000000000109?source=1234567890123 ", "1900000000000000109"],
  ["https://www.runninghub.cn/ai-detail/1900000000000000202/", "1900000000000000202"],
  ["http://127.0.0.1:41767/post/1900000000000000109#2222222222222", "1900000000000000109"],
  ["19000", ""],
  ["https://www.runninghub.ai/", ""],
  ["12345678901234567890123", ""],
  ["abc1900000000000000109", ""],
  [null, ""],
  [{}, ""],
])("the id in %j is %j", (text, id) => {
  expect(idIn(text)).toBe(id);
});

const node = (comfyClass, values) => ({
  comfyClass,
  widgets: Object.entries(values).map(([name, value]) => ({ name, value })),
});

test("a node says its program once its id is whole", () => {
  const values = { app: "1900000000000000202", instance: "plus", profile: "cn" };
  const program = { kind: "app", id: "1900000000000000202", instance: "plus", profile: "cn" };
  expect(programOf(node("RunningHubAIApp", values))).toEqual(program);
  expect(programOf(node("RunningHubAIApp", { app: "19000" }))).toBeNull();
  expect(programOf(node("KSampler", values))).toBeNull();
  expect(programOf({ title: "a group" })).toBeNull();
});

test("a widget that is set tells who listens to it", () => {
  const heard = [];
  const app = node("RunningHubAIApp", { app: "" });
  app.widgets[0].callback = (value) => heard.push(value);
  setWidget(app, "app", "19");
  setWidget(app, "missing", "20");
  expect([app.widgets[0].value, heard]).toEqual(["19", ["19"]]);
});

test("our nodes are told from others of a like name", () => {
  expect(["RunningHubSegment", "RHUploadImage", "RHLoraUploader"].every(isOurs)).toBe(true);
  expect(["RHLocal", "KSampler", "RunningMan"].some(isOurs)).toBe(false);
});

const KEY = "0123456789abcdef0123456789abcdef";
const EXAMPLE = JSON.stringify({ webappId: "1900000000000000302", apiKey: KEY, quickCreateCode: "002", nodeInfoList: [] });

test.each([
  [EXAMPLE],
  [`curl -X POST 'https://a.example' --header 'Authorization: Bearer ${KEY}' -d '${EXAMPLE}'`],
  [`curl --header "Authorization: Bearer ${KEY}" --data-raw "${EXAMPLE.replaceAll('"', '\\"')}"`],
])("a call example has an id, and is kept without its key: %s", (text) => {
  const keyless = withoutKey(text);
  expect(keyless).not.toContain(KEY);
  expect(programIdIn("module", keyless)).toBe("1900000000000000302/002");
  expect(withoutKey(keyless)).toBe(keyless);
  expect(programOf(node("RunningHubQuickCreate", { module: keyless })).id).toBe("1900000000000000302/002");
});

test.each([
  ["https://www.runninghub.ai/workflow/1900000000000000301?apiKey=KEY&source=1", "https://www.runninghub.ai/workflow/1900000000000000301?apiKey=&source=1"],
  ["https://www.runninghub.ai/proxy/KEY/prompt", "https://www.runninghub.ai/proxy//prompt"],
])("a link is kept without its key: %s", (link, keyless) => {
  expect(withoutKey(link.replace("KEY", KEY))).toBe(keyless);
});

test("half an example has no id yet", () => {
  expect(programIdIn("module", EXAMPLE.slice(0, 40))).toBe("");
  expect(programIdIn("app", "https://www.runninghub.cn/ai-detail/1900000000000000202")).toBe("1900000000000000202");
});
