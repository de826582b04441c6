// One delivery.
import { ask, byId, bytes, make, moment, outcome, seconds, send, visible } from "./dom.js";
import { indent, parse, tree } from "./json.js";

let open = null; // the delivery that is shown
let about = {}; // what the server offers

export function offers(info) {
  about = info;
}

export function current() {
  return open;
}

export async function show(id) {
  const section = byId("detail");
  let delivery;
  try {
    delivery = await ask("/api/deliveries/" + id);
  } catch (problem) {
    open = null;
    section.replaceChildren(make("h2", {}, `Delivery ${id}`), make("p", { role: "alert" }, problem.message), closer());
    return;
  }
  open = delivery;
  section.replaceChildren(
    make("h2", {}, `${delivery.id}: ${delivery.event || "(none)"}`),
    actions(delivery),
    make("p", { id: "result", role: "status" }),
    facts(delivery),
    part("Signature", "signature"),
    part("Difference to the previous version", "difference"),
    make("h3", {}, "Body"),
    body(delivery),
    make("h3", {}, "Headers"),
    headers(delivery.headers),
    make("h3", {}, "Attempts"),
    attempts(delivery.attemptHistory),
    part("Deliveries of this object", "history"),
  );
  for (const load of [signature, difference, history]) {
    load(delivery); // each shows its own error
  }
}

function part(title, id) {
  return make("div", {}, make("h3", { id: id + "-title", tabindex: "-1" }, title), make("div", { id }, "…"));
}

function closer() {
  return make("a", { href: "/?" + without("id"), id: "close" }, "Close");
}

function without(name) {
  const query = new URLSearchParams(location.search);
  query.delete(name);
  return query;
}

function actions(d) {
  const copy = (text) => async () => {
    await navigator.clipboard.writeText(text);
    say("Copied");
  };
  const button = (text, click, key) => make("button", { type: "button", click, "aria-keyshortcuts": key }, text);
  return make(
    "div",
    { class: "actions" },
    d.app ? [button("Replay", replay, "r"), button("Edit and replay", edit, "e")] : [],
    button("Copy JSON", copy(d.body)),
    button("Copy as curl", copy(d.commands.curl)),
    d.commands.trigger ? button("Copy as tlxhook trigger", copy(d.commands.trigger)) : [],
    closer(),
  );
}

function facts(d) {
  const marks = ["altered", "backfill", "unreadable", "outdated"].filter((m) => d[m]);
  const all = [
    ["Received", moment(d.received)],
    ["Object", d.objectId],
    ["Subscription", d.subscriptionId],
    ["State", make("span", { class: d.state }, d.state)],
    ["Marks", marks.join(", ")],
    ["Source", d.source],
    ["Key", d.idempotencyKey],
    ["Size", bytes(d.size)],
    ["App", d.app || (about.changes ? "none takes this event" : "replays are not allowed: the page is read-only")],
  ];
  return make("dl", {}, ...all.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function body(d) {
  const raw = make("pre", { id: "raw", tabindex: "0", "aria-label": "Body as received" }, d.body);
  const note = d.text ? "" : "The body is not UTF-8: invalid bytes are shown as \ufffd.";
  const cut = d.size > 2 * 1024 * 1024 ? "Only the first 2 MiB are shown." : "";
  if (!d.json) {
    return make("div", {}, make("p", { class: "faint" }, note, cut, " The body is not valid JSON."), raw);
  }
  const shape = make("div", { class: "tree", id: "tree" }, tree("", parse(d.body)));
  raw.hidden = true;
  const toggle = () => {
    raw.hidden = !raw.hidden;
    shape.hidden = !shape.hidden;
    button.setAttribute("aria-pressed", String(!raw.hidden));
  };
  const button = make("button", { type: "button", id: "raw-button", "aria-pressed": "false", click: toggle }, "Raw");
  return make("div", {}, button, shape, raw);
}

function headers(all) {
  const lines = Object.entries(all).flatMap(([name, values]) => values.map((v) => [name, v]));
  return make("dl", {}, ...lines.sort().flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function attempts(all) {
  if (all.length === 0) {
    return make("p", { class: "faint" }, "None");
  }
  const item = (a) => make(
    "li",
    { value: a.attempt },
    moment(a.time), " ", a.error || String(a.httpStatus || ""), " ", seconds(a.durationSeconds),
    a.body ? make("pre", {}, a.body) : "",
  );
  return make("ol", {}, ...all.map(item));
}

// fill writes the result of a request into a part, unless another delivery is shown by now.
async function fill(delivery, id, path, content) {
  let parts;
  try {
    parts = content(await ask(path));
  } catch (problem) {
    parts = [make("p", { role: "alert" }, problem.message)];
  }
  if (open === delivery) {
    byId(id)?.replaceChildren(...parts);
  }
}

function signature(d) {
  return fill(d, "signature", `/api/deliveries/${d.id}/signature`, (v) => [
    make("p", { class: v.result }, [v.result, ...(v.reasons ?? [])].join(": ")),
  ]);
}

function difference(d, below = 0) {
  const query = below ? "?below=" + below : "";
  return fill(d, "difference", `/api/deliveries/${d.id}/changes${query}`, (v) => {
    if (!v.previous && v.next) {
      return [make("button", { type: "button", click: () => difference(d, v.next) }, `Search below delivery ${v.next}`)];
    }
    if (!v.previous) {
      return [make("p", { class: "faint" }, "No earlier delivery of this object")];
    }
    const link = make("a", { href: address(v.previous.id) }, `delivery ${v.previous.id}`);
    if (v.note || v.changes.length === 0) {
      return [make("p", { class: "faint" }, v.note || "No difference", ", compared with ", link)];
    }
    const row = (c) => make(
      "tr",
      {},
      make("th", { scope: "row" }, c.path || "value"),
      make("td", { class: "value before" }, c.before || "(missing)"),
      make("td", { class: "value after" }, c.after || "(missing)"),
    );
    const head = ["Field", "Before", "After"].map((t) => make("th", { scope: "col" }, t));
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...v.changes.map(row)));
    return [make("p", {}, "Compared with ", link), table];
  });
}

function address(id) {
  const query = without("id");
  query.set("id", id);
  return "/?" + query;
}

function history(d) {
  return fill(d, "history", `/api/deliveries/${d.id}/history?limit=20`, (v) => {
    const item = (o) => make(
      "li",
      {},
      moment(o.received), " ",
      o.id === d.id ? make("strong", {}, `${o.event} (this one)`) : make("a", { href: address(o.id) }, o.event || "(none)"),
      " ", make("span", { class: o.state }, o.state), " ", outcome(o),
    );
    return [make("ul", {}, ...v.deliveries.map(item)), v.next ? make("p", { class: "faint" }, "Older ones: filter by the object ID") : ""];
  });
}

function say(text) {
  const result = byId("result");
  if (result) {
    result.textContent = visible(text);
  }
}

function report(r) {
  const status = r.httpStatus ? ` with ${r.httpStatus}` : "";
  const text = { forwarded: `Accepted${status}`, failed: "Not accepted", skipped: "Held back" }[r.result] ?? r.result;
  say([text, r.error, r.durationSeconds ? seconds(r.durationSeconds) : "", r.body].filter(Boolean).join("\n"));
}

export async function replay() {
  if (!open?.app) {
    return;
  }
  say("Sending…");
  try {
    report(await send(`/api/deliveries/${open.id}/replay`, {}));
  } catch (problem) {
    say(problem.message);
  }
}

export function edit() {
  if (!open?.app) {
    return;
  }
  byId("edit-note").textContent = about.signs
    ? "The text is sent with a new key and signed. The journal keeps the original."
    : "The text is sent with a new key and without a signature, as no secret is known. The journal keeps the original.";
  byId("edit-body").value = open.json ? indent(open.body) : open.body;
  byId("edit-problem").textContent = "";
  byId("edit").showModal();
  byId("edit-body").focus();
}

export async function sendEdited(event) {
  event.preventDefault();
  try {
    const result = await send(`/api/deliveries/${open.id}/replay`, { body: byId("edit-body").value });
    byId("edit").close();
    report(result);
  } catch (problem) {
    byId("edit-problem").textContent = visible(problem.message);
  }
}

export function toDifference() {
  byId("difference-title")?.scrollIntoView();
  byId("difference-title")?.focus();
}
