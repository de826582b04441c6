// The list of deliveries: the newest page is kept up to date, older pages are added below it.
import { ask, byId, bytes, make, mark, moment, outcome, seconds } from "./dom.js";

const rows = new Map(); // ID to table row; the table is in descending order
const names = ["event", "object", "state", "since", "before", "text"];
let next = 0; // ID below which older deliveries are
let run = 0; // number of the latest filter

// filter returns the filter of the URL as a query.
export function filter() {
  const here = new URLSearchParams(location.search);
  return new URLSearchParams(names.filter((n) => here.get(n)).map((n) => [n, here.get(n)]));
}

function address(id) {
  const query = filter();
  query.set("id", id);
  return "/?" + query;
}

// narrow returns what a narrow screen shows in place of columns.
function narrow(d) {
  const repeated = d.attempts > 1 ? d.attempts + " attempts" : "";
  return ["subscription " + d.subscriptionId, bytes(d.size), repeated, outcome(d), seconds(d.durationSeconds)].filter(Boolean).join(", ");
}

function cells(d) {
  return [
    make("td", {}, moment(d.received)),
    make("td", {}, make("a", { href: address(d.id), "data-id": d.id }, d.event || "(none)"), make("span", { class: "narrow" }, narrow(d))),
    make("td", {}, d.objectId),
    make("td", { class: "wide" }, d.subscriptionId),
    make("td", { class: "wide" }, bytes(d.size)),
    make("td", { class: "wide" }, String(d.attempts)),
    make("td", { class: d.state }, d.state),
    make("td", { class: "wide" }, outcome(d)),
    make("td", { class: "wide" }, seconds(d.durationSeconds)),
  ];
}

// put adds or updates the row of a delivery.
function put(d) {
  const text = JSON.stringify([d, location.search]);
  const known = rows.get(d.id);
  if (known) {
    if (known.text !== text) {
      known.text = text;
      const link = known.row.querySelector("a");
      const fresh = cells(d);
      link.href = address(d.id); // the link itself stays, with its focus
      fresh[1].firstChild.replaceWith(link);
      const focused = document.activeElement === link;
      known.row.replaceChildren(...fresh);
      if (focused) {
        link.focus({ preventScroll: true });
      }
    }
    return;
  }
  const row = make("tr", {}, ...cells(d));
  rows.set(d.id, { row, text });
  let after = byId("list").firstElementChild;
  while (after && Number(after.querySelector("a").dataset.id) > d.id) {
    after = after.nextElementSibling;
  }
  byId("list").insertBefore(row, after);
}

// prune removes rows of the newest page that are not in it any more.
function prune(page) {
  const kept = new Set(page.deliveries.map((d) => d.id));
  const lowest = page.deliveries.at(-1)?.id ?? 0;
  const first = page.next ? lowest : 0;
  for (const [id, { row }] of rows) {
    if (id >= first && !kept.has(id)) {
      row.remove();
      rows.delete(id);
    }
  }
}

function finish() {
  byId("older").hidden = next === 0;
  byId("end").textContent = rows.size === 0 && next === 0 ? "No deliveries" : next === 0 ? "" : byId("end").textContent;
}

// older adds the next page. A search through bodies may need several answers for one.
export async function older(wanted = 50) {
  const mine = run;
  let added = 0;
  byId("older").disabled = true;
  try {
    while (next > 0 && added < wanted && mine === run) {
      const query = filter();
      query.set("below", next);
      const page = await ask("/api/deliveries?" + query);
      if (mine !== run) {
        return;
      }
      page.deliveries.forEach(put);
      added += page.deliveries.length;
      next = page.next;
      byId("end").textContent = next > 0 && added < wanted ? `Searched down to delivery ${next}` : "";
    }
    finish();
  } finally {
    byId("older").disabled = false;
  }
}

// refresh shows the newest page. A new filter empties the list first. What is scrolled to stays where it is.
export async function refresh(fresh) {
  const mine = fresh ? ++run : run;
  const page = await ask("/api/deliveries?" + filter());
  if (mine !== run) {
    return;
  }
  byId("problem").textContent = "";
  if (fresh) {
    rows.clear();
    byId("list").replaceChildren();
  }
  const scroll = byId("scroll");
  const [top, height] = [scroll.scrollTop, scroll.scrollHeight];
  const first = rows.size === 0;
  if (!fresh) {
    prune(page);
  }
  page.deliveries.forEach(put);
  if (top > 0) {
    scroll.scrollTop = top + scroll.scrollHeight - height;
  }
  if (first) {
    next = page.next;
    finish();
    if (page.deliveries.length < 50 && next > 0) {
      await older(50 - page.deliveries.length);
    }
  }
  finish();
}

export function links() {
  return [...byId("list").querySelectorAll("a")];
}

// choose marks the row of the open delivery.
export function choose(id) {
  for (const [other, { row }] of rows) {
    row.classList.toggle("chosen", other === id);
    mark(row.querySelector("a"), other === id);
  }
}
