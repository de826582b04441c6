// The subscriptions of the login.
import { ask, byId, make, moment, send } from "./dom.js";

export async function showSubscriptions(changes) {
  const section = byId("subscriptions");
  section.replaceChildren(make("h2", {}, "Subscriptions"), make("p", { role: "status" }, "Loading…"));
  let all;
  try {
    all = await ask("/api/subscriptions");
  } catch (problem) {
    section.replaceChildren(make("h2", {}, "Subscriptions"), make("p", { role: "alert" }, problem.message));
    return;
  }
  const head = ["ID", "Event", "Status", "Since", "Last delivery", "Target"].map((t) => make("th", { scope: "col" }, t));
  const row = (s) => make(
    "tr",
    {},
    make("td", {}, s.id),
    make("td", {}, s.event),
    make("td", {}, make("span", { class: s.state }, s.status), changes && s.status !== "ACTIVE" ? [" ", enabler(s)] : []),
    make("td", {}, s.since ? moment(s.since) : ""),
    make("td", {}, s.latest ? moment(s.latest) : "none stored"),
    make("td", {}, s.targetUrl),
  );
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...all.map(row)));
  section.replaceChildren(
    make("h2", {}, "Subscriptions"),
    make("p", { id: "enabled", role: "status", tabindex: "-1" }, all.length === 0 ? "No subscriptions" : ""),
    make("div", {}, table),
  );
}

function enabler(s) {
  const enable = async (event) => {
    event.target.disabled = true;
    try {
      await send(`/api/subscriptions/${s.id}/enable`, {});
      await showSubscriptions(true);
      byId("enabled").textContent = `Enabled subscription ${s.id}`;
      byId("enabled").focus(); // the button is gone
    } catch (problem) {
      event.target.disabled = false;
      byId("enabled").replaceChildren(make("span", {}, problem.message));
    }
  };
  return make("button", { type: "button", click: enable, "aria-label": `Probe and enable subscription ${s.id}` }, "Probe and enable");
}
