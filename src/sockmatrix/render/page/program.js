// The program that repeats a cell, put together of the pieces that `sockmatrix repro` is made of.

import { receivers } from "./matrix.js";

/** Return the program for a cell, "" if the page does not have the pieces. */
export function program(matrix, cell, programs) {
  const table = matrix.tableOf(cell);
  const own = programs?.[table.name];
  const sockets = matrix.sockets(cell);
  if (!own || !sockets.length || sockets.length > own.most) return "";
  const at = cell - table.offset;
  const begin = own.begins[table.begins[table.begin[at]].text];
  const pieces = sockets.map((one) => own.sockets[one.text]);
  if (begin === undefined || pieces.some((one) => !one)) return "";
  const names = receivers(sockets.length);
  return own.whole.map((part) => fill(part, { id: matrix.id(cell), begin: own.sends[begin], names, sockets, pieces })).join("");
}

function fill(part, { id, begin, names, sockets, pieces }) {
  if (typeof part === "string") return part;
  const groups = [];
  pieces.forEach((piece, at) => {
    const last = groups.at(-1);
    if (last && last.piece.body === piece.body) last.names.push(names[at]);
    else groups.push({ piece, names: [names[at]] });
  });
  const called = (group) => `open_${group.names.join("_").toLowerCase()}`;
  switch (part.what) {
    case "id": return id;
    case "steps": return pieces.map((piece, at) => piece.step.replace("A:", `${names[at]}:`)).join("\n") + begin.step;
    case "open": return groups.map((group) => `def ${called(group)}():\n${group.piece.body}`).join("\n\n");
    case "names": return `{${groups.flatMap((group) => group.names.map((name) => `"${name}": ${called(group)}`)).join(", ")}}`;
    case "list": return `[${names.map((name) => `"${name}"`).join(", ")}]`;
    case "sends": return begin.sends;
    default: return "";
  }
}
