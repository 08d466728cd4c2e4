// What the node search shows of our nodes.

import { expect, test } from "vitest";

import { searchDefinition, programNode } from "../../web/js/features/program/node.js";

const definition = () => ({
  name: "RunningHubAIApp",
  description: "Runs an app in the cloud. Set its fields as <nodeId>.<fieldName>.",
  input: { required: { app: ["STRING"] }, optional: { form: ["STRING"], instance: ["COMBO"], profile: ["STRING"], link_0: ["*"], link_31: ["*"] } },
  input_order: { required: ["app"] },
  output: ["IMAGE", "STRING", "*", "*"],
  output_name: ["images", "task_id", "out_1", "out_12"],
  output_is_list: [true, true, true, true],
  output_tooltips: ["a", "b", "c", "d"],
  output_node: true,
});

test("the search shows what a person can use, and the types it goes by", () => {
  const { input, output, output_name, output_is_list, output_tooltips, output_node } = searchDefinition(definition());
  expect(Object.keys(input.optional)).toEqual(["instance"]);
  expect(input.required).toEqual({ app: ["STRING"] });
  expect([output, output_name, output_is_list, output_tooltips]).toEqual([
    ["IMAGE", "STRING"],
    ["images", "task_id"],
    [true, true],
    ["a", "b"],
  ]);
  expect(searchDefinition(definition()).description).toBe("Runs an app in the cloud.");
  expect(output_node).toBe(true);
});

test("the definition that nodes are made of is not touched", () => {
  const [whole, foreign] = [definition(), { ...definition(), name: "KSampler" }];
  const list = [whole, foreign];
  programNode.beforeRegisterVueAppNodeDefs(list);
  expect(list[0]).not.toBe(whole);
  expect(whole).toEqual(definition());
  expect(list[1]).toBe(foreign);
});

test("of nodes whose names begin with what was typed, Remote Workflow ranks as if it were named RunningHub", () => {
  const list = [definition(), { ...definition(), name: "RunningHubRemoteWorkflow" }];
  programNode.beforeRegisterVueAppNodeDefs(list);
  const [{ postProcessSearchScores: others }, { postProcessSearchScores: rank }] = list;
  // How well it matches, place, length of the name, and how far off; of the front end's own, with its frequency.
  expect(rank([1, 0, 24, 0.3])).toEqual([1, 0, 0, 10, 0.3]);
  expect(rank([2, 13, 26, 0.3])).toEqual([2, 0, 13, 26, 0.3]);
  expect(others).toBeUndefined();
});
