// What documents and rules say of a cell.

import { element } from "./element.js";
import { NOTHING } from "./matrix.js";
import { ranges } from "./evidence.js";

const AUTHORITY = { 1: "standard, kernel or vendor", 2: "library or test suite", 3: "article, answer or issue" };
let about = null;

/** Return the claims that speak of a cell by number, the most authoritative first. */
export function claimsAbout(cell, verdicts) {
  about ??= inverted(verdicts.cells);
  return about.get(cell) ?? [];
}

/** Return what the most authoritative document about a system says of a cell, in a few words. */
export function saidOf(key, cell, documents, verdicts) {
  for (const number of claimsAbout(cell, verdicts)) {
    const { os, past = [], words } = documents.claims[number];
    if (words && os.includes(key) && !past.includes(key)) return words;
  }
  return "";
}

function inverted(lists) {
  const found = new Map();
  lists.forEach((steps, claim) => {
    let cell = 0;
    for (const step of steps) {
      cell += step;
      if (!found.has(cell)) found.set(cell, []);
      found.get(cell).push(claim);
    }
  });
  return found;
}

/** Return what platforms say to a claim about a cell: [mark, word, why, platforms], alike ones together. */
export function verdictsOn(matrix, cell, claim, verdicts) {
  const told = new Map(pairs(verdicts.told[claim]));
  for (const [number, answer] of pairs(verdicts.but[claim][cell] ?? [])) told.set(number, answer);
  const groups = new Map();
  matrix.platforms.forEach((_, at) => {
    const said = verdict(matrix, matrix.columns[at][cell], told, verdicts, verdicts.reasons[verdicts.elsewhere[claim][at]]);
    const key = said.join("\n");
    if (!groups.has(key)) groups.set(key, [...said, []]);
    groups.get(key).at(-1).push(at);
  });
  return [...groups.values()];
}

const pairs = (flat) => flat.flatMap((one, at) => (at % 2 ? [] : [[one, flat[at + 1]]]));

function verdict(matrix, number, told, verdicts, elsewhere) {
  if (number === NOTHING) return ["–", "not measured", ""];
  if (!told.has(number)) return ["–", "not measured", matrix.outcomes[number].word];
  const [holds, why] = verdicts.answers[told.get(number)];
  // Of another system a document is neither confirmed nor contradicted; how this one compares is told.
  if (elsewhere) return holds === null ? ["–", "does not tell", why] : holds ? ["=", "does the same", ""] : ["≠", "does otherwise", ""];
  if (holds === null) return ["?", "not decided", why];
  return holds ? ["✓", "confirmed", ""] : ["✗", "contradicted", ""];
}

const LOOKS = { "✓": "g", "✗": "r" };

/** Return a claim: what it says, of which systems and versions, where, with what authority; its verdicts. */
export function claimElement(matrix, cell, number, documents, verdicts) {
  const claim = documents.claims[number];
  const source = documents.sources[claim.source];
  const names = claim.os.map((one) => matrix.core.systems[one] ?? one).join(", ");
  const where = [source.title, claim.section].filter(Boolean).join(", ");
  return element("div", { class: "claim" },
    element("p", {}, element("b", {}, claim.id), ` ${claim.says} `, element("span", { class: "kind documented" }, "documented")),
    element("p", { class: "soft" }, `of ${names}${claim.versions ? ` ${claim.versions}` : ""}${claim.words ? `: ${claim.words}` : ""}`),
    element("p", { class: "soft" }, element("a", { href: safe(claim.url ?? source.url), rel: "noreferrer noopener" }, where), ` (${AUTHORITY[source.authority]})`),
    element("ul", { class: "verdicts", "aria-label": "Verdicts for this cell" }, ...verdictsOn(matrix, cell, number, verdicts).map(([mark, word, why, platforms]) =>
      element("li", { class: LOOKS[mark] ?? "" }, element("span", { "aria-hidden": "true" }, mark), ` ${word} on ${ranges(matrix, platforms).join(", ")}${why ? `: ${why}` : ""}`))));
}

/** Only addresses of the web are links. */
export const safe = (url) => (/^https?:\/\//.test(url) ? url : null);

/** Return the rules that decide a cell, as they follow from one run. */
export function rulesAbout(cell, rules) {
  const number = rules?.cells[cell] ?? -1;
  if (number < 0) return [];
  return rules.sets[number].map(([rule, ...subjects]) => {
    const [question, at, of, condition, answer, count] = rules.rules[rule];
    return element("div", { class: "claim" },
      element("p", {}, element("b", {}, question), subjects.length ? ` (${subjects.join(", ")})` : ""),
      element("p", {}, `${condition}: `, element("b", {}, answer)),
      element("p", { class: "soft" }, `rule ${at} of ${of}, which decides ${count.toLocaleString("en")} facts of ${rules.run}`));
  });
}
