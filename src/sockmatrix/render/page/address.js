// The state of the view is in the address, so that a view can be linked.
//
// #q=PATTERN&only=differ|odd&off=0,3,macos&cell=ID&compare=0,1; a plain #t-fan-out is a place in the page.

const EMPTY = { q: "", only: "", off: "", cell: "", compare: "" };

let state = { ...EMPTY };
let changed = () => {};

/** The state, not to be changed but by `go`. */
export const current = () => state;

/** Call a function with the state and the one before, now and whenever it changes. */
export function follow(act) {
  changed = act;
  window.addEventListener("hashchange", () => take());
  take();
}

/** Change parts of the state; a step that `back` undoes unless `quiet`. */
export function go(parts, { quiet = false } = {}) {
  const text = write({ ...state, ...parts });
  const url = text ? `#${text}` : `${location.pathname}${location.search}`;
  if (quiet) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  take();
}

/** Return the address of the view with parts of the state changed. */
export function link(parts) {
  return `${location.href.split("#", 1)[0]}#${write({ ...EMPTY, ...parts })}`;
}

function write(next) {
  const pairs = Object.entries(next).filter(([name, value]) => name in EMPTY && value !== "");
  const readable = (text) => encodeURIComponent(text).replace(/%(2F|3A|2C|3D|20|2A|40|3B)/g, (all, hex) =>
    (hex === "20" ? "+" : hex === "3D" ? all : String.fromCharCode(parseInt(hex, 16))));
  return pairs.map(([name, value]) => `${name}=${readable(value)}`).join("&");
}

function take() {
  const hash = location.hash.slice(1);
  const before = state;
  // A place in the page leaves the view as it is.
  if (hash && !hash.includes("=")) return void changed(state, before);
  const given = new URLSearchParams(hash);
  state = Object.fromEntries(Object.keys(EMPTY).map((name) => [name, given.get(name) ?? ""]));
  state.cell = state.cell.replaceAll(" ", "+"); // an id has no blank, and who writes a link may leave its + as it is
  changed(state, before);
}
