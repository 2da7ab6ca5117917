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
  const wanted = state.only === "odd" ? isOdd : parts;
  const columns = shownPlatforms(matrix, state).map((at) => matrix.columns[at]);
  const silent = matrix.outcomes.map((one) => one.silent);
  const mask = new Uint8Array(matrix.count);
  const told = [];
  for (let cell = 0; cell < matrix.count; cell++) {
    if (remembered.mask && !remembered.mask[cell]) continue;
    told.length = 0;
    for (const column of columns) {
      const number = column[cell];
      if (number !== NOTHING && !silent[number]) told.push(number);
    }
    mask[cell] = wanted(told);
  }
  return mask;
}

function parts(told) {
  for (let at = 1; at < told.length; at++) if (told[at] !== told[0]) return 1;
  return 0;
}

/** Exactly one of three or more is unlike all others, which agree. */
function isOdd(told) {
  if (told.length < 3 || !parts(told)) return 0;
  const common = told[0] === told[1] || told[0] === told[2] ? told[0] : told[1];
  return Number(told.reduce((count, one) => count + (one !== common), 0) === 1);
}
