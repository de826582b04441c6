// The page: its URL is its state, so that it can be reloaded and shared.
import { ask, byId, mark, visible } from "./dom.js";
import * as detail from "./detail.js";
import * as list from "./list.js";
import { showSubscriptions } from "./subscriptions.js";

let info = {};
let shown = ""; // the filter that is shown
let busy = false; // whether a refresh is running
let settled = Promise.resolve(); // the latest change of the URL
let again = false; // whether another one is due after it

const query = () => new URLSearchParams(location.search);
const fail = (problem) => (byId("problem").textContent = visible(problem.message));

// render shows what the URL says.
async function render() {
  const here = query();
  const tab = here.get("tab") === "subscriptions";
  const id = Number(here.get("id"));
  byId("deliveries").hidden = tab;
  byId("subscriptions").hidden = !tab;
  byId("detail").hidden = tab || !id;
  document.querySelector("main").classList.toggle("open", id > 0);
  mark(byId("tab-deliveries"), !tab);
  mark(byId("tab-subscriptions"), tab);
  if (tab) {
    await showSubscriptions(info.changes);
    return;
  }
  const filter = "?" + list.filter();
  const work = [];
  if (filter !== shown) {
    shown = filter;
    for (const input of byId("filter").elements) {
      if (input.name) {
        input.value = here.get(input.name) ?? "";
      }
    }
    work.push(list.refresh(true).catch(fail));
  }
  if (id && detail.current()?.id !== id) {
    work.push(detail.show(id));
  }
  await Promise.all(work);
  list.choose(id);
}

function go(address) {
  history.pushState(null, "", address);
  settled = render();
  return settled;
}

// changed refreshes the list, one change at a time. A page that is not visible is refreshed when it is shown.
async function changed() {
  if (busy || document.hidden) {
    again = true;
    return;
  }
  busy = true;
  again = false;
  await list.refresh(false).then(() => list.choose(Number(query().get("id"))), fail);
  busy = false;
  if (again) {
    changed();
  }
}

function connection(text, lost) {
  const element = byId("connection");
  if (element.textContent !== text) {
    element.textContent = text;
  }
  element.classList.toggle("lost", lost);
}

function follow() {
  const stream = new EventSource("/api/live");
  stream.addEventListener("changed", () => {
    connection("Live", false);
    changed();
  });
  stream.addEventListener("error", async () => {
    connection("Disconnected, trying again", true);
    if (stream.readyState !== EventSource.CLOSED) {
      return; // the browser tries again
    }
    try {
      await ask("/api/info");
    } catch (problem) {
      if (problem.status === 403) {
        connection("tlxhook was restarted: open the URL that it printed", true);
        return;
      }
    }
    setTimeout(follow, 1000);
  });
}

// move focuses the next or the previous delivery, or opens it where the list is hidden.
function move(step) {
  const links = list.links();
  const at = links.indexOf(document.activeElement);
  const from = at < 0 ? links.findIndex((a) => a.hasAttribute("aria-current")) : at;
  const to = from < 0 ? 0 : Math.min(Math.max(from + step, 0), links.length - 1);
  if (step > 0 && to === links.length - 1) {
    list.older().catch(fail);
  }
  if (links[to]?.offsetParent === null) { // a narrow screen shows the list or a delivery
    go(links[to].href);
    return;
  }
  links[to]?.focus();
}

// openFocused opens the delivery that has the focus, unless it is open.
async function openFocused() {
  await settled;
  const id = document.activeElement?.dataset?.id;
  if (id && Number(id) !== detail.current()?.id) {
    await go(document.activeElement.href);
  }
}

function close() {
  const id = query().get("id");
  const rest = query();
  rest.delete("id");
  go("/?" + rest);
  byId("list").querySelector(`a[data-id="${Number(id)}"]`)?.focus();
}

const keys = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  "/": () => byId("filter").elements.event.focus(),
  r: () => openFocused().then(detail.replay),
  e: () => openFocused().then(detail.edit),
  d: () => openFocused().then(detail.toDifference),
  "?": () => byId("help").showModal(),
  Escape: close,
};

function pressed(event) {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  const inner = event.target.closest("#detail, pre") && event.key.startsWith("Arrow");
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") || inner) {
    return;
  }
  if (typing) {
    if (event.key === "Escape") {
      event.target.blur();
    }
    return;
  }
  if (event.key.length === 1 && !byId("keys").checked) {
    return;
  }
  if (Object.hasOwn(keys, event.key) && byId("subscriptions").hidden) {
    event.preventDefault();
    keys[event.key]();
  }
}

function clicked(event) {
  const link = event.target.closest("a[href^='/?'], a[href='/']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) {
    return;
  }
  event.preventDefault();
  if (link.id === "close") {
    close();
    return;
  }
  go(link.href).then(() => link.dataset.id && byId("detail").focus({ preventScroll: true }));
}

function filtered(event) {
  event.preventDefault();
  const wanted = new URLSearchParams();
  for (const [name, value] of new FormData(byId("filter"))) {
    if (value.trim()) {
      wanted.set(name, value.trim());
    }
  }
  go("/?" + wanted);
}

function start() {
  const here = query();
  if (here.has("token")) { // it is in the cookie now
    here.delete("token");
    history.replaceState(null, "", "/" + (here.size ? "?" + here : ""));
  }
  byId("keys").checked = localStorage.getItem("keys") !== "off";
  byId("keys").addEventListener("change", (e) => localStorage.setItem("keys", e.target.checked ? "on" : "off"));
  byId("filter").addEventListener("submit", filtered);
  byId("clear").addEventListener("click", () => go("/"));
  byId("older").addEventListener("click", () => list.older().catch(fail));
  byId("show-help").addEventListener("click", () => byId("help").showModal());
  byId("edit-form").addEventListener("submit", detail.sendEdited);
  byId("edit-cancel").addEventListener("click", () => byId("edit").close());
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", clicked);
  document.addEventListener("visibilitychange", () => again && changed());
  addEventListener("popstate", render);
}

// painted waits until the list that came with the page is on the screen, or may stay hidden.
const painted = () => new Promise((done) => {
  requestAnimationFrame(() => setTimeout(done));
  setTimeout(done, 200);
});

start();
await painted();
const loading = ask("/api/info").then((answer) => {
  info = answer;
  detail.offers(answer);
  byId("tab-subscriptions").hidden = !answer.subscriptions;
}, fail);
const deep = query().has("id") || query().has("tab");
await (deep ? loading.then(render) : Promise.all([loading, render()]));
follow();
