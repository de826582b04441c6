// Every text reaches the page through this file, as text and never as HTML.

// Characters that are invisible, control a terminal or reorder text: shown as \u{202e}.
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

// visible returns text in which nothing is hidden or reordered.
export function visible(text) {
  return String(text).toWellFormed().replace(unsafe, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

// make returns an element with attributes and children. Functions are listeners, texts become text nodes.
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(key, value);
    } else if (value !== false && value !== undefined) {
      element.setAttribute(key, value === true ? "" : value);
    }
  }
  element.append(...children.flat().map((c) => (c instanceof Node ? c : visible(c))));
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

// mark says that an element stands for what is shown.
export function mark(element, on) {
  if (on) {
    element.setAttribute("aria-current", "true");
  } else {
    element.removeAttribute("aria-current");
  }
}

// ask returns the JSON that the server answers, and throws its error.
export async function ask(path, options = {}) {
  const response = await fetch(path, options);
  const kind = response.headers.get("Content-Type") || "";
  const answer = kind.startsWith("application/json") ? await response.json() : { error: (await response.text()).trim() };
  if (!response.ok) {
    const problem = new Error(answer.error);
    problem.status = response.status;
    throw problem;
  }
  return answer;
}

// send asks the server for a change.
export function send(path, body) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

export function bytes(n) {
  for (const unit of ["B", "KiB", "MiB"]) {
    if (n < 1024 || unit === "MiB") {
      return (unit === "B" ? n : n.toFixed(1)) + " " + unit;
    }
    n /= 1024;
  }
}

export function seconds(n) {
  if (!n) {
    return "";
  }
  return n < 1 ? (n * 1000).toFixed(0) + " ms" : n.toFixed(1) + " s";
}

// moment returns a time element in the zone of the browser.
export function moment(text) {
  const at = new Date(text);
  const two = (n) => String(n).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return make("time", { datetime: text, title: text }, Number.isNaN(at.getTime()) ? text : `${day} ${time}`);
}

export function outcome(delivery) {
  const last = delivery.lastAttempt;
  return last ? last.error || String(last.httpStatus || "") : "";
}
