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
    if (matrix.parts(columns, cell)) mask[cell] = state.only === "odd" ? isOdd(matrix, columns, cell) : 1;
  }
  return mask;
}

/** One of three or more does not agree with others, who all agree; and it alone is such a one. */
function isOdd(matrix, columns, cell) {
  const told = columns.map((column) => column[cell]).filter((number) => number !== NOTHING);
  if (told.length < 3) return 0;
  const against = told.map((one) => told.reduce((count, other) => count + (matrix.agree(one, other) ? 0 : 1), 0));
  const most = Math.max(...against);
  const all = against.reduce((sum, one) => sum + one, 0);
  // Each disagreement counts for both; all of them are with the one.
  return Number(all === 2 * most && against.filter((one) => one === most).length === 1);
}
