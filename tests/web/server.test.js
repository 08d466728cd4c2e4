// Calls of our routes.

import { beforeEach, expect, test, vi } from "vitest";

vi.mock("../../web/js/host/lazy.js", () => ({ lazy: vi.fn(async () => ({ showUnknownHost() {} })) }));

let server;
beforeEach(async () => {
  vi.resetModules();
  server = await import("../../web/js/host/server.js");
});

/** Answers each call by its route: [status, body], or an error; gives the calls. */
function serve(routes) {
  const calls = [];
  vi.stubGlobal("fetch", async (path, options = {}) => {
    const route = path.replace("/api", "");
    calls.push([route, options]);
    const reply = typeof routes[route] === "function" ? routes[route](calls) : routes[route];
    if (reply instanceof Error) {
      throw reply;
    }
    const [status, body] = reply ?? [404, null];
    return { ok: status < 400, status, json: async () => body };
  });
  return calls;
}

test("a change carries the token, which is asked for once", async () => {
  const calls = serve({ "/runninghub/session": [200, { token: "abc" }], "/x": [200, { done: 1 }] });
  expect(await server.post("/x", { a: 1 })).toEqual({ done: 1 });
  await server.post("/x", { a: 2 });
  expect(calls.map(([route]) => route)).toEqual(["/runninghub/session", "/x", "/x"]);
  expect(calls[1][1].headers["X-RunningHub-Token"]).toBe("abc");
  expect(calls[1][1].body).toBe('{"a":1}');
});

test("a token of a ComfyUI that was started anew since is asked for again", async () => {
  let number = 0;
  const calls = serve({
    "/runninghub/session": () => [200, { token: `t${(number += 1)}` }],
    "/x": (all) => (all.at(-1)[1].headers["X-RunningHub-Token"] === "t2" ? [200, { ok: true }] : [403, {}]),
  });
  expect(await server.post("/x", {})).toEqual({ ok: true });
  expect(calls).toHaveLength(4);
});

test("a refusal becomes an error with its sentence and hint", async () => {
  const error = { key: "error.no_key", params: {}, message: "There is no key.", hint: "no_key" };
  serve({ "/x": [400, { error }] });
  await expect(server.get("/x")).rejects.toMatchObject({ message: "There is no key.", hint: "no_key" });
});

test.each([
  ["no answer", new TypeError("Failed to fetch"), "server.offline"],
  ["an answer that is no JSON of ours", [502, null], "server.no_answer"],
])("%s is an error of the same class", async (_, reply, key) => {
  serve({ "/x": reply });
  const failed = await server.get("/x").catch((error) => error);
  expect(failed).toBeInstanceOf(server.ServerError);
  expect(failed.key).toBe(key);
});

test("a host name that is not known is shown once, whatever is asked for after it", async () => {
  const error = { key: "node.route_host", params: {}, message: "Not known.", hint: "" };
  serve({ "/x": [403, { error }] });
  const { lazy } = await import("../../web/js/host/lazy.js");
  await expect(server.get("/x")).rejects.toMatchObject({ message: "Not known." });
  await expect(server.get("/x")).rejects.toMatchObject({ key: "node.route_host" });
  expect(lazy.mock.calls).toEqual([["features/unknown_host.mjs"]]);
});

test("a session that failed is tried again", async () => {
  let fail = true;
  serve({
    "/runninghub/session": () => (fail ? new TypeError("down") : [200, { token: "t" }]),
    "/x": [200, {}],
  });
  await expect(server.post("/x", {})).rejects.toBeInstanceOf(server.ServerError);
  fail = false;
  expect(await server.post("/x", {})).toEqual({});
});
