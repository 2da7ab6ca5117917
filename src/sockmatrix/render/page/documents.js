// What documents and rules say of a cell.

import { element } from "./element.js";
import { match } from "./pattern.js";

const AUTHORITY = { 1: "standard, kernel or vendor", 2: "library or test suite", 3: "article, answer or issue" };
const masks = new Map();

/** Return the claims that speak of a cell, the most authoritative first. */
export function claimsAbout(matrix, cell, documents) {
  const { name, offset } = matrix.tableOf(cell);
  return documents.claims.filter((claim) => claim.cells.some((text) => {
    const named = /(?:^| )table=(\S+)/.exec(text);
    if (named && !named[1].split(",").includes(name)) return false;
    return maskOf(matrix, text, name)?.[cell] === 1;
  })).map((claim) => ({ ...claim, offset }));
}

function maskOf(matrix, text, table) {
  const key = `${table}\n${text}`;
  if (!masks.has(key)) {
    try {
      const own = matrix.tables.find((one) => one.name === table);
      masks.set(key, match({ core: matrix.core, tables: [own], count: matrix.count }, text));
    } catch {
      masks.set(key, null); // it speaks of axes that no table of this page has
    }
  }
  return masks.get(key);
}

/** Return a claim: what it says, of which systems and versions, where, and with what authority. */
export function claimElement(matrix, claim, documents) {
  const source = documents.sources[claim.source];
  const names = claim.os.map((one) => matrix.core.systems[one] ?? one).join(", ");
  const where = [source.title, claim.section].filter(Boolean).join(", ");
  return element("div", { class: "claim" },
    element("p", {}, element("b", {}, claim.id), ` ${claim.says} `, element("span", { class: "kind documented" }, "documented")),
    element("p", { class: "soft" }, `of ${names}${claim.versions ? ` ${claim.versions}` : ""}${claim.words ? `: ${claim.words}` : ""}`),
    element("p", { class: "soft" }, element("a", { href: safe(claim.url ?? source.url), rel: "noreferrer noopener" }, where), ` (${AUTHORITY[source.authority]})`));
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
