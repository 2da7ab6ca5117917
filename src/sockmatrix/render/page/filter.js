// Which cells a view shows: those of a pattern, and of these perhaps only where platforms part.

import { NOTHING } from "./matrix.js";
import { match } from "./pattern.js";

const remembered = { text: null, mask: null };

/** Return the numbers of the platforms that are on. */
export function shownPlatforms(matrix, state) {
  const off = new Set(state.off.split(","));
  return matrix.platforms.map((_, at) => at).filter((at) => !off.has(String(at)));
}

/** Return a mask over all cells, null where all are shown. Throws PatternError. */
export function filtered(matrix, state) {
  if (remembered.text !== state.q) {
    remembered.mask = match(matrix, state.q);
    remembered.text = state.q;
  }
  if (!state.only) return remembered.mask;
  const columns = shownPlatforms(matrix, state).map((at) => matrix.toldBy(at));
  const mask = new Uint8Array(matrix.count);
  for (let cell = 0; cell < matrix.count; cell++) {
    if (remembered.mask && !remembered.mask[cell]) continue;
    let first = NOTHING;
    for (const column of columns) {
      const number = column[cell];
      if (number === NOTHING || number === first) continue;
      if (first === NOTHING) first = number;
      else {
        mask[cell] = state.only === "odd" ? isOdd(columns, cell) : 1;
        break;
      }
    }
  }
  return mask;
}

/** Exactly one of three or more is unlike all others, which agree. */
function isOdd(columns, cell) {
  const told = columns.map((column) => column[cell]).filter((number) => number !== NOTHING);
  if (told.length < 3) return 0;
  const common = told[0] === told[1] || told[0] === told[2] ? told[0] : told[1];
  return Number(told.reduce((count, one) => count + (one !== common), 0) === 1);
}
