// The rule behind a cell: a pattern whose cells, all of its table that were measured, turned out the same.

import { counted, element, lookClass } from "./element.js";
import { NOTHING, receivers } from "./matrix.js";
import { go } from "./address.js";
import { match } from "./pattern.js";
import { ranges } from "./evidence.js";

const MOST = 12; // terms, before the sockets are named one by one

/** Return for each way that a cell turned out on platforms the rule that predicts it. */
export function patternsOf(matrix, cell) {
  const groups = new Map();
  matrix.platforms.forEach((_, at) => {
    const number = matrix.told(at, cell);
    if (number === NOTHING) return;
    const { headline } = matrix.outcomes[number];
    if (!groups.has(headline)) groups.set(headline, []);
    groups.get(headline).push(at);
  });
  return [...groups.values()].map((platforms) => shown(matrix, cell, platforms));
}

function shown(matrix, cell, platforms) {
  const { system } = matrix.platforms[platforms[0]];
  const newest = platforms.findLast((at) => matrix.platforms[at].system === system);
  const told = matrix.outcomes[matrix.columns[newest][cell]];
  const { terms, count } = ruleOf(matrix, newest, cell);
  const pattern = [`table=${matrix.tableOf(cell).name}`, ...terms].join(" ");
  const axes = matrix.words(matrix.tableOf(cell));
  const conditions = terms.map((term) => inWords(axes, term)).join("; ") || "in every cell of this table";
  const proof = count > 1
    ? [`so it is in all of the ${counted(count, "cell")} of this table with that on `, element("b", {}, matrix.platforms[newest].name), "; no exception. "]
    : ["no other cell of this table is like it. "];
  return element("div", { class: "claim rule" },
    element("p", {}, `${conditions}: `, element("span", { class: `chip ${lookClass(told.look)}` }, told.headline)),
    element("p", { class: "soft" }, ...proof, element("button", { type: "button", class: "button small", onclick: () => go({ q: pattern, cell: "" }) }, count > 1 ? "Show them" : "Show it")),
    platforms.length > 1 ? element("p", { class: "soft" }, `The same outcome on ${ranges(matrix, platforms).join(", ")}.`) : "");
}

/** Return the terms of a short pattern that a cell has, and no cell that turned out otherwise. */
export function ruleOf(matrix, platform, cell) {
  const table = matrix.tableOf(cell);
  const { offset, count } = table;
  const headlines = matrix.toldBy(platform).subarray(offset, offset + count);
  const own = matrix.outcomes[headlines[cell - offset]].headline;
  const alike = Uint8Array.from(headlines, (number) => (number === NOTHING ? 2 : Number(matrix.outcomes[number].headline === own)));
  const candidates = termsOf(matrix, table, cell).map((term) => ({ term, mask: maskOf(matrix, table, term) }));
  let kept = new Uint8Array(count).fill(1);
  let [right, wrong] = tally(kept, null, alike);
  const chosen = [];
  while (wrong && chosen.length < MOST) {
    let best = null;
    for (const one of candidates) {
      const [more, less] = tally(kept, one.mask, alike);
      if (less === wrong) continue;
      // As FOIL has it: how much surer the term makes it, times how many it still speaks of.
      const gain = plainness(one.term) * more * (Math.log2(more / (more + less)) - Math.log2(right / (right + wrong)));
      if (!best || gain > best.gain) best = { gain, one, more, less };
    }
    if (!best) break;
    chosen.push(best.one);
    kept = kept.map((bit, at) => bit & best.one.mask[at]);
    [right, wrong] = [best.more, best.less];
  }
  if (wrong) return { terms: [matrix.id(cell)], count: 1 };
  // What a later term says makes some of the earlier ones idle.
  for (const one of [...chosen]) {
    const others = chosen.filter((other) => other !== one);
    const [more, less] = tally(together(others, count), null, alike);
    if (!less) {
      chosen.splice(chosen.indexOf(one), 1);
      right = more;
    }
  }
  return { terms: candidates.filter((one) => chosen.includes(one)).map((one) => one.term), count: right };
}

/** What is said of no socket, or of some, is harder to picture than what is said of each. */
const plainness = (term) => (term.startsWith("none.") ? 0.4 : term.startsWith("some.") ? 0.7 : 1);

function together(some, count) {
  const mask = new Uint8Array(count).fill(1);
  for (const { mask: own } of some) for (let at = 0; at < count; at++) mask[at] &= own[at];
  return mask;
}

function tally(kept, mask, alike) {
  let right = 0;
  let wrong = 0;
  for (let at = 0; at < kept.length; at++) {
    if (!kept[at] || (mask && !mask[at])) continue;
    if (alike[at] === 1) right++;
    else if (alike[at] === 0) wrong++;
  }
  return [right, wrong];
}

function maskOf(matrix, table, term) {
  return match({ core: matrix.core, tables: [table], count: matrix.count }, term).subarray(table.offset, table.offset + table.count);
}

/** Return terms of the pattern language that hold for a cell, the plainest first. */
function termsOf(matrix, table, cell) {
  const axes = matrix.axes(cell);
  const found = Object.entries(axes).filter(([, value]) => value).map(([name, value]) => `${name}=${value}`);
  const kind = matrix.core.classes[axes.dest];
  if (kind) found.push(`dest-class=${kind}`);
  const sockets = matrix.sockets(cell);
  if (!sockets.length) return found;
  found.push(`receivers=${sockets.length}`);
  for (const name of table.perSocket) {
    const values = sockets.map((one) => one.values[name]);
    const every = table.sockets.map((one) => one.values[name]).filter((one, at, all) => one && all.indexOf(one) === at);
    const add = (who, value) => value && found.push(`${who}.${name}=${value}`);
    if (values.every((one) => one === values[0])) add("every", values[0]);
    add("first", values[0]);
    add("last", values.at(-1));
    values.slice(0, 3).forEach((value, at) => add(receivers(3)[at], value));
    for (const value of new Set(values)) add("some", value);
    for (const value of every) if (!values.includes(value)) found.push(`none.${name}=${value}`);
  }
  if (table.perSocket.includes("reuse")) found.push(sharedTerm(sockets));
  if (axes.dest) for (const who of ["every", "first", "last", "some", "none"]) for (const what of ["destination", "wildcard", "other"]) found.push(`${who}.bind-is=${what}`);
  const at = cell - table.offset;
  return found.filter((term) => maskOf(matrix, table, term)[at] === 1);
}

function sharedTerm(sockets) {
  const [first, ...others] = sockets.map((one) => one.values.reuse.split("+"));
  return `shared=${first.filter((option) => others.every((one) => one.includes(option))).join("+") || "none"}`;
}

const WHO = { every: "every socket", some: "some socket", none: "no socket", first: "the first socket", last: "the last socket" };
const DERIVED = {
  "dest-class": (value) => `sent to a ${value} address`,
  receivers: (value) => (value === "1" ? "one socket" : `${value} sockets`),
  shared: (value, axes) => (value === "none" ? "no option that all sockets set" : `all sockets set ${axes.reuse?.values[value] ?? value}`),
};
const BOUND = { destination: "bound to where it is sent", wildcard: "bound to the wildcard", other: "bound to another address" };

/** Return a term in words; `axes` are those of the table. */
function inWords(axes, term) {
  const [left, value] = term.split("=");
  if (value === undefined) return "exactly this cell";
  if (DERIVED[left]) return DERIVED[left](value, axes);
  const [who, name] = left.includes(".") ? left.split(".") : ["", left];
  const subject = who ? WHO[who] ?? `socket ${who}` : "";
  if (name === "bind-is") return `${subject} ${BOUND[value]}`;
  const title = axes[name]?.title ?? name;
  const words = axes[name]?.values[value] ?? value;
  return [subject, words.includes(title) ? words : `${title} ${words}`].filter(Boolean).join(": ");
}
