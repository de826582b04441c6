// JSON as it was written: numbers of any length and repeated names are kept. Nothing here calls itself, as a body may be
// nested ten thousand levels deep.
import { make } from "./dom.js";

// tokens returns the tokens of valid JSON.
function* tokens(text) {
  let i = 0;
  while (i < text.length) {
    const c = text[i];
    let end = i + 1;
    if (c === '"') {
      while (text[end] !== '"') {
        end += text[end] === "\\" ? 2 : 1;
      }
      end++;
    } else if (!"{}[],: \t\r\n".includes(c)) {
      while (end < text.length && !"{}[],: \t\r\n".includes(text[end])) {
        end++;
      }
    }
    if (!" \t\r\n".includes(c)) {
      yield text.slice(i, end);
    }
    i = end;
  }
}

// parse returns a node: text for a scalar, kind and members for an object or array.
export function parse(text) {
  const root = { kind: "", members: [] };
  const stack = [root];
  let name = "";
  const add = (node) => {
    const parent = stack.at(-1);
    parent.members.push({ name: parent.kind === "[" ? String(parent.members.length) : name, node });
    name = "";
  };
  let last = "";
  for (const token of tokens(text)) {
    if (token === "{" || token === "[") {
      const node = { kind: token, members: [] };
      add(node);
      stack.push(node);
    } else if (token === "}" || token === "]") {
      stack.pop();
    } else if (token === ":") {
      name = last;
    } else if (token !== ",") {
      const parent = stack.at(-1);
      if (parent.kind !== "{" || name !== "") {
        add({ text: token });
      }
    }
    last = token;
  }
  return root.members[0].node;
}

// indent returns valid JSON with line ends.
export function indent(text) {
  const out = [];
  let level = 0;
  let last = "";
  const line = () => out.push("\n", " ".repeat(Math.min(level, 40) * 2));
  for (const token of tokens(text)) {
    const closes = token === "}" || token === "]";
    if (closes) {
      level--;
    }
    if ((closes && last !== "{" && last !== "[") || last === "," || ((last === "{" || last === "[") && !closes)) {
      line();
    }
    out.push(token, token === ":" ? " " : "");
    if (token === "{" || token === "[") {
      level++;
    }
    last = token;
  }
  return out.join("");
}

const chunk = 100;

// tree returns the element of a node. Members are added when it is opened; the first levels are open.
export function tree(name, node, open = 2) {
  const label = name === "" ? [] : [make("span", { class: "name" }, name), ": "];
  if (node.kind === undefined) {
    return make("div", { class: "leaf" }, ...label, node.text);
  }
  const count = node.members.length;
  const shown = node.kind === "{" ? `{${count}}` : `[${count}]`;
  const inner = make("div");
  const element = make("details", { open: open > 0 && count > 0 }, make("summary", {}, ...label, shown), inner);
  let filled = 0;
  const fill = () => {
    const part = node.members.slice(filled, filled + chunk);
    filled += part.length;
    inner.append(...part.map((m) => tree(m.name.startsWith('"') ? m.name.slice(1, -1) : m.name, m.node, open - 1)));
    if (filled < count) {
      inner.append(make("button", { type: "button", click: (e) => (e.target.remove(), fill()) }, `${count - filled} more`));
    }
  };
  if (element.open) {
    fill();
  }
  element.addEventListener("toggle", () => element.open && filled === 0 && fill());
  return element;
}
