/* Names, small helpers and storage, shared by the parts that follow. Nothing is asked for but the
   record, and that only of the workspace; only storage keys that begin with "lakebook:" are touched; text from storage or files is never HTML. */

const LETTERS = "ABCDEFGH";
const VERSION = 1;  // of all that is stored and exported
const ATTEMPT = "lakebook:attempt:";
const REVIEW = "lakebook:review:";
const SHORTCUTS = "lakebook:shortcuts";

/* h("p.note", {hidden: true}, "text", child): an element, its attributes, its children. */
function h(spec, attributes, ...children) {
  const [tag, ...names] = spec.split(".");
  const made = document.createElement(tag);
  if (names.length) made.className = names.join(" ");
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}
const button = (text, onclick, extra = "", attributes = {}) =>
  h("button.lbx-button" + extra, { type: "button", onclick, ...attributes }, text);
const heading = (level, text, attributes = {}) =>
  h("p.lbx-h", { role: "heading", "aria-level": level, ...attributes }, text);
const scroll = (label, table) => h("div.lbx-scroll", { role: "region", tabindex: "0", "aria-label": label }, table);

function table(label, head, rows) {
  const cells = ([first, ...rest]) => [h("th", { scope: "row" }, first), rest.map((cell) => h("td", {}, cell))];
  return scroll(label, h("table.lbx-table", {},
    h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, ...cells(row))))));
}

/* The theme decides on load which code blocks scroll and so need the keyboard; ours were hidden then. */
function letScroll(root) {
  root.querySelectorAll("pre").forEach((block) => {
    block.tabIndex = block.scrollWidth > block.clientWidth ? 0 : -1;
  });
}

const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;
const percent = (share) => `${Math.round(share * 100)} %`;
const day = (time) => new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
const same = (a, b) => a.length === b.length && new Set([...a, ...b]).size === b.length;

function clock(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/* Mulberry32: small, seeded, and even enough to draw and shuffle. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(list, next) {
  const out = list.slice();
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

function entropy() {
  try {
    return [...window.crypto.getRandomValues(new Uint32Array(2))];
  } catch (missing) {
    return [Math.random() * 2 ** 32, Math.random() * 2 ** 32].map(Math.floor);
  }
}

/* Wilson's score interval at 95 %: it stays within 0 and 1 and is honest for few questions. */
function interval(right, of) {
  const z = 1.959964;
  const p = right / of;
  const middle = p + (z * z) / (2 * of);
  const spread = z * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of));
  const [low, high] = [middle - spread, middle + spread].map((end) => end / (1 + (z * z) / of));
  return `${Math.round(Math.max(0, low) * 100)}–${Math.round(Math.min(1, high) * 100)} %`;
}

/* What the browser refuses to store is kept in memory, and `onfail` tells the reader. */
const store = {
  memory: new Map(),
  onfail: () => {},
  onrefuse: () => {},  // what the workspace says when it cannot keep the record
  get(key) {
    if (this.memory.has(key)) return this.memory.get(key);
    try { return window.localStorage.getItem(key); } catch (refused) { return null; }
  },
  set(key, text) {
    try {
      window.localStorage.setItem(key, text);
      this.memory.delete(key);
    } catch (refused) {
      this.memory.set(key, text);
      this.onfail();
    }
  },
  remove(key) {
    this.memory.delete(key);
    try { window.localStorage.removeItem(key); } catch (refused) { /* then it is not there */ }
  },
  keys(prefix) {
    const found = new Set(this.memory.keys());
    try {
      for (let i = 0; i < window.localStorage.length; i++) found.add(window.localStorage.key(i));
    } catch (refused) { /* memory only */ }
    return [...found].filter((key) => key.startsWith(prefix));
  },
  json(key) {
    try { return JSON.parse(this.get(key)); } catch (damaged) { return undefined; }
  },
};
