// The pattern language of the project (src/sockmatrix/pattern.py), and plain words beside it.
//
// Terms are judged once for each distinct beginning or end of ids, so that 66,000 cells take no time.

import { receivers } from "./matrix.js";

export class PatternError extends Error {}

const DERIVED = ["table", "lab", "receivers", "sockets", "shared", "dest-class"];
const PER_SOCKET = ["bind-is", "socket"];
const QUANTIFIERS = {
  every: (found) => found.every(Boolean),
  some: (found) => found.some(Boolean),
  none: (found) => !found.some(Boolean),
  first: (found) => found[0],
  last: (found) => found.at(-1),
};

/** Return a mask over all cells, 1 for those that a pattern matches; null for an empty one. */
export function match(matrix, text) {
  const words = text.trim().split(/\s+/).filter(Boolean);
  if (!words.length) return null;
  const mask = new Uint8Array(matrix.count).fill(1);
  for (const word of words) {
    const term = parse(matrix, word);
    for (const table of matrix.tables) narrow(matrix, table, term, mask);
  }
  return mask;
}

/** Return the words of a pattern that are terms, as [text before the sign, sign, values]. */
export const terms = (text) =>
  [...text.matchAll(/(?:^|\s)([^\s=!]+)(!?=)(\S*)/g)].map(([, name, sign, values]) => [name, sign, values]);

function parse(matrix, word) {
  if (!word.includes("=")) return wordTerm(word);
  const [, who, axis, sign, given] = /^(?:([A-Za-z]+)\.)?([^=.!]*)(!?=)(.*)$/.exec(word) ?? [];
  if (axis === undefined) throw new PatternError(`“${word}” is not axis=value,value or SOCKET.axis=value`);
  const values = given.split(",");
  if (values.includes("")) throw new PatternError(`“${word}” lacks a value`);
  const known = matrix.core.axes[axis];
  const socket = PER_SOCKET.includes(axis) || known?.socket;
  if (!known && !DERIVED.includes(axis) && !socket) throw new PatternError(`there is no axis “${axis}”`);
  if (known && axis !== "case") {
    const strange = values.find((one) => !(one in known.values));
    if (strange) {
      const few = Object.keys(known.values).slice(0, 12).join(", ");
      throw new PatternError(`${axis} has no value “${strange}”; it has ${few} …`);
    }
  }
  if (!socket && who) throw new PatternError(`${axis} belongs to the cell: write ${axis}=`);
  const place = receivers(462).indexOf(who);
  const holds = QUANTIFIERS[who] ?? (place < 0 ? null : (found) => Boolean(found[place]));
  if (socket && !holds) throw new PatternError(`of which socket? every.${axis}=, some.${axis}=, A.${axis}=`);
  const test = axis === "socket" ? globs(values) : (value) => values.includes(value);
  return { axis, socket, holds, test, negated: sign === "!=" };
}

function wordTerm(word) {
  const start = word.replace(/\/+$/, "");
  const glob = /[*?[]/.test(word) ? globs([word, `${start}/*`]) : null;
  const lower = word.toLowerCase();
  // What looks like an id is one, or its beginning; any other word may stand anywhere.
  const exact = /[/:]/.test(word);
  return { word, test: glob ?? ((id) => (exact ? id === word || id.startsWith(`${start}/`) : id.includes(lower))) };
}

/** Return a test for values that match one of some globs, as fnmatch understands them. */
function globs(values) {
  const source = values.map((value) => value.replace(/[.+^${}()|\\\]]/g, "\\$&")
    .replace(/\[!/g, "[^").replace(/\[(?![^\[]*\\\])/g, "\\[")
    .replace(/(\[[^\[]*)\\\]/g, "$1]").replace(/\*/g, ".*").replace(/\?/g, "."));
  const whole = new RegExp(`^(?:${source.join("|")})$`, "s");
  return (value) => whole.test(value);
}

function narrow(matrix, table, term, mask) {
  const { begin, end, offset, count } = table;
  if (term.word) {
    const about = !/[/:*?[]/.test(term.word) && matrix.core.questions[table.name].toLowerCase().includes(term.word.toLowerCase());
    if (about) return;
    const ids = table.ids;
    for (let at = 0; at < count; at++) if (mask[offset + at] && !term.test(ids[at])) mask[offset + at] = 0;
  } else if (!term.socket && (term.axis === "receivers" || term.axis === "sockets" || term.axis === "shared")) {
    const kept = table.ends.map((sockets) => Number(term.test(ofEnd(term.axis, sockets)) !== term.negated));
    for (let at = 0; at < count; at++) mask[offset + at] &= kept[end[at]];
  } else if (!term.socket) {
    const kept = table.begins.map((one) => Number(term.test(ofBegin(matrix, table, term.axis, one.axes)) !== term.negated));
    for (let at = 0; at < count; at++) mask[offset + at] &= kept[begin[at]];
  } else if (term.axis === "bind-is") {
    const byDest = new Map();
    const kept = table.begins.map(({ axes: { dest } }) => {
      if (!byDest.has(dest)) byDest.set(dest, table.sockets.map((one) => bindIs(matrix, one.values.bind, dest)));
      return byDest.get(dest);
    });
    for (let at = 0; at < count; at++) {
      if (!mask[offset + at]) continue;
      const words = kept[begin[at]];
      mask[offset + at] = ofSockets(term, table.ends[end[at]], (one) => words[one.number]);
    }
  } else {
    const read = term.axis === "socket" ? (one) => one.text : (one) => one.values[term.axis] ?? "";
    const kept = table.ends.map((sockets) => ofSockets(term, sockets, read));
    for (let at = 0; at < count; at++) mask[offset + at] &= kept[end[at]];
  }
}

function ofSockets(term, sockets, read) {
  if (!sockets.length) return 0;
  return Number(term.holds(sockets.map((one) => term.test(read(one)))) !== term.negated);
}

function ofBegin(matrix, table, axis, axes) {
  if (axis === "table") return table.name;
  if (axis === "lab") return table.lab;
  if (axis === "dest-class") return matrix.core.classes[axes.dest] ?? "";
  return axes[axis];
}

function ofEnd(axis, sockets) {
  if (axis === "receivers") return String(sockets.length);
  if (!sockets.length) return "";
  if (axis === "sockets") return sockets.every((one) => one.text === sockets[0].text) ? "alike" : "mixed";
  const [first, ...others] = sockets.map((one) => one.values.reuse.split("+"));
  return first.filter((option) => others.every((one) => one.includes(option))).join("+") || "none";
}

function bindIs(matrix, bind, dest) {
  if (bind === dest) return "destination";
  return matrix.core.wildcards.includes(bind) ? "wildcard" : "other";
}
