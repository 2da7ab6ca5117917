// The program that repeats a cell, put together of pieces that `sockmatrix repro` wrote.

import { receivers } from "./matrix.js";

/** Return the program for a cell, "" if the page does not have the pieces. */
export function program(matrix, cell, programs) {
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
