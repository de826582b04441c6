// Tests of a webhook receiver against the sandbox. See docs/sandbox-in-ci.md.
import assert from "node:assert/strict";

const sandbox = process.env.SANDBOX_URL ?? "http://127.0.0.1:8090";
const app = process.env.APP_URL ?? "http://127.0.0.1:3000";
const target = process.env.TARGET_URL ?? `${app}/hook`; // the app, as the sandbox reaches it
const secret = process.env.HMAC_SECRET ?? "sandbox-hmac-secret";

// call returns the status and the JSON of the response.
async function call(method, url, body, token) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = "Basic " + Buffer.from(`0:${token}`).toString("base64");
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
}

async function waitFor(url) {
  for (let i = 0; i < 120; i++) {
    try {
      return await call("GET", url);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  throw new Error(`no answer from ${url}`);
}

async function logIn() {
  const session = await call("POST", `${sandbox}/v2/token/session/:create`, {
    consumerToken: "sandbox-consumer-token",
    employeeToken: "sandbox-employee-token",
    expirationDate: new Date(Date.now() + 2 * 24 * 3600 * 1000).toISOString().slice(0, 10),
  });
  assert.equal(session.status, 201);
  return session.body.value.token;
}

await waitFor(`${sandbox}/sandbox/health`);
await waitFor(`${app}/received`);

// A new sandbox for each test.
const reset = await call("POST", `${sandbox}/sandbox/reset`, { switches: { propagation: "0s" } });
assert.equal(reset.status, 200);
const token = await logIn();
const subscription = { event: "order.create", targetUrl: target, hmacSharedSecret: secret };
assert.equal((await call("POST", `${sandbox}/v2/event/subscription`, subscription, token)).status, 201);

// An event is delivered, signed, before the call returns.
const emitted = (await call("POST", `${sandbox}/sandbox/emit`, { event: "order.create" })).body;
assert.deepEqual(emitted.deliveries.map((d) => d.delivered), [true]);
const received = (await call("GET", `${app}/received`)).body.at(-1);
assert.equal(received.event, "order.create");
assert.equal(received.id, emitted.objectIds[0]);

// The next request of the client is rate limited.
await call("POST", `${sandbox}/sandbox/faults`, { kind: "rate-limit", count: 1 });
assert.equal((await call("GET", `${sandbox}/v2/event/subscription`, undefined, token)).status, 429);
assert.equal((await call("GET", `${sandbox}/v2/event/subscription`, undefined, token)).body.count, 1);

console.log("ok");
