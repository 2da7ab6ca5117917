// The program that repeats a cell, put together of pieces that `sockmatrix repro` wrote, or written beforehand.

import { receivers } from "./matrix.js";
import { written } from "./script.js";

const WIDTH = 98;

/** Return the program for a cell, "" if the page has none. */
export function program(matrix, cell, programs, beforehand, scripts) {
  return pieced(matrix, cell, programs) || whole(matrix, cell, beforehand, scripts);
}

function whole(matrix, cell, beforehand, scripts) {
  const table = matrix.tableOf(cell);
  const own = beforehand?.tables[table.name]?.slice(0, cell - table.offset + 1);
  if (!own?.at(-1)) return "";
  beforehand.texts ??= sequences(beforehand.units).map((one) => one.map((line) => beforehand.lines[line]).join("\n"));
  const { case: name } = matrix.axes(cell);
  const about = name ? matrix.words(table).case.values[name] : matrix.core.questions[table.name];
  const script = name ? [written(matrix, cell, scripts).map((line) => wrapped(line, "    ")).join("\n")] : [];
  const rest = sequences(own).at(-1).map((unit) => beforehand.texts[unit]).join("");
  return [`#!/usr/bin/env python3\n"""${matrix.id(cell)}`, wrapped(about, ""), ...script, rest].join("\n\n");
}

/** Return sequences of numbers, each given as what it has other than the one before; 0 is none. */
function sequences(changes) {
  let before = [];
  return changes.map((change) => {
    if (!change) return [];
    const [start, end, ...others] = change;
    before = [...before.slice(0, start), ...others, ...before.slice(before.length - end)];
    return before;
  });
}

/** Return a text in lines; all but the first are indented twice. */
function wrapped(text, indent) {
  const lines = [];
  let line = indent;
  for (const word of text.split(" ")) {
    if (line.trim() && line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = indent + indent;
    }
    line += line.trim() ? ` ${word}` : word;
  }
  return [...lines, line].join("\n");
}

function pieced(matrix, cell, programs) {
  const table = matrix.tableOf(cell);
  const own = programs?.[table.name];
  const sockets = matrix.sockets(cell);
  if (!own || !sockets.length || sockets.length > own.most) return "";
  const { transport = "", listen = "", via = "" } = matrix.axes(cell);
  const pieces = sockets.map((one) => own.sockets[`${one.number} ${transport} ${listen} ${via}`]);
  if (pieces.some((one) => !one)) return "";
  const needed = [...new Set(pieces.flatMap(([, , numbers]) => numbers))].sort((one, other) => one - other);
  const sends = own.sends[`${table.begin[cell - table.offset]} ${sockets.length} ${needed.join()}`];
  if (!sends) return "";
  const [whole, others, sent, turns] = sends;
  const names = receivers(sockets.length);
  const all = [...pieces.map(([step, body], at) => [names[at], step, body]), ...others];
  const groups = grouped(all.filter(([, , body]) => body));
  const quoted = (some) => some.map((name) => `"${name}"`).join(", ");
  const called = (group) => `open_${group.names.join("_").toLowerCase()}`;
  const gaps = [
    matrix.id(cell),
    all.map(([name, step]) => `    ${name}: ${step}\n`).join(""),
    groups.map((group, at) => `${turns ? `@turn(${quoted(group.names)})\ndef turn_${at + 1}(me)` : `def ${called(group)}()`}:\n${group.body}\n\n\n`).join(""),
    ...(turns
      ? [1, 2, 3, 4].map((later) => String(groups.length + later))
      : [groups.flatMap((group) => group.names.map((name) => `"${name}": ${called(group)}`)).join(", "), `[${quoted(names)}]`, sent]),
  ];
  return own.wholes[whole].map((part) => (typeof part === "number" ? gaps[part] : part)).join("");
}

/** Neighbours that open the same share a function. */
function grouped(all) {
  const groups = [];
  for (const [name, , body] of all) {
    if (groups.at(-1)?.body === body) groups.at(-1).names.push(name);
    else groups.push({ body, names: [name] });
  }
  return groups;
}
