// Two platforms compared: what differs, in groups, with the known changes that explain it.

import { counted, element, lookClass } from "./element.js";
import { NOTHING } from "./matrix.js";
import { go } from "./address.js";
import { match } from "./pattern.js";
import { safe } from "./documents.js";

const FEW = 25;
const VALUES = 4;

/** Show the comparison of two platforms; `mask` narrows it. */
export function compare(place, matrix, causes, evidence, pair, mask) {
  const [one, other] = pair;
  const select = (label, at, act) => {
    const made = element("select", { "aria-label": label }, ...matrix.platforms.map((own, number) => element("option", { value: number, selected: number === at }, own.name)));
    made.addEventListener("change", () => act(Number(made.value)));
    return element("label", {}, `${label} `, made);
  };
  const { cells, compared, unstable } = changed(matrix, one, other, mask);
  const groups = grouped(matrix, causes ?? [], evidence, one, other, cells);
  const explained = groups.filter((own) => own.reasons.length);
  const open = groups.filter((own) => !own.reasons.length);
  place.hidden = false;
  place.replaceChildren(
    element("h2", { id: "compare-title", tabindex: "-1" }, "Two platforms compared"),
    element("div", { class: "pair" },
      select("from", one, (at) => go({ compare: `${at},${other}` })),
      select("to", other, (at) => go({ compare: `${one},${at}` })),
      element("button", { type: "button", class: "button", onclick: () => go({ compare: `${other},${one}` }) }, "Swap"),
      element("button", { type: "button", class: "button", onclick: () => go({ compare: "" }) }, "Close")),
    element("p", {}, `${counted(cells.length, "cell")} of ${compared.toLocaleString("en")} that both measured ${cells.length === 1 ? "is" : "are"} not the same${mask ? ", of those that the filter shows" : ""}.${unstable ? ` Of ${counted(unstable, "other")} that cannot be told, for repetitions were not alike.` : ""}`),
    ...section(matrix, explained, "Explained by known changes"),
    ...section(matrix, open, explained.length ? "Not explained" : "What differs"));
}

function changed(matrix, one, other, mask) {
  const cells = [];
  let compared = 0;
  let unstable = 0;
  for (let cell = 0; cell < matrix.count; cell++) {
    if (mask && !mask[cell]) continue;
    const was = matrix.told(one, cell);
    const now = matrix.told(other, cell);
    if (was === NOTHING || now === NOTHING) continue;
    if (matrix.undecided(was) || matrix.undecided(now)) {
      unstable++;
      continue;
    }
    compared++;
    if (!matrix.agree(was, now)) cells.push(cell);
  }
  return { cells, compared, unstable };
}

/** Return groups of cells with one reason, table and transition, the largest first. */
function grouped(matrix, causes, evidence, one, other, cells) {
  const reasons = new Map();
  for (const cause of causes) {
    const had = cause.had[one];
    const has = cause.had[other];
    if (had === has) continue;
    let cell = 0;
    for (let at = 0; at < cause.effects.length; at += 2) {
      cell += cause.effects[at];
      const [having, lacking] = cause.pairs[cause.effects[at + 1]];
      const was = matrix.columns[one][cell];
      const now = matrix.columns[other][cell];
      const came = had !== true && has !== false && lacking.includes(was) && having.includes(now);
      const went = had !== false && has !== true && having.includes(was) && lacking.includes(now);
      if (!came && !went) continue;
      if (!reasons.has(cell)) reasons.set(cell, []);
      reasons.get(cell).push({ cause, came, sure: had !== null && has !== null });
    }
  }
  const groups = new Map();
  for (const cell of cells) {
    const why = reasons.get(cell) ?? [];
    const table = matrix.tableOf(cell);
    const [was, now] = apart(matrix, evidence, matrix.columns[one][cell], matrix.columns[other][cell]);
    const key = [why.map((own) => own.cause.id).join(), table.name, was.headline, now.headline].join("\n");
    if (!groups.has(key)) groups.set(key, { reasons: why, table, was, now, cells: [] });
    groups.get(key).cells.push(cell);
  }
  return [...groups.values()].sort((a, b) => b.cells.length - a.cells.length);
}

/** Return two outcomes as tables have them; in sentences, where a table has the same for both. */
function apart(matrix, evidence, ...numbers) {
  const told = numbers.map((number) => matrix.outcomes[number]);
  if (told[0].headline !== told[1].headline) return told;
  return told.map(({ look }, at) => ({ look, headline: evidence.sentences[numbers[at]].replace(/\.$/, "") }));
}

function section(matrix, groups, title) {
  if (!groups.length) return [];
  const shown = [element("h3", {}, title)];
  let reason = null;
  const byReason = groups[0].reasons.length ? [...groups].sort((a, b) => key(a).localeCompare(key(b))) : groups;
  const rest = element("details", {}, element("summary", {}, `${byReason.length - FEW} more groups`));
  byReason.forEach((group, at) => {
    const target = at < FEW ? shown : rest;
    const add = (...nodes) => (target === rest ? rest.append(...nodes) : shown.push(...nodes));
    if (group.reasons.length && key(group) !== reason) {
      reason = key(group);
      add(...group.reasons.map(cause));
    }
    add(shownGroup(matrix, group));
  });
  if (byReason.length > FEW) shown.push(rest);
  return shown;
}

const key = (group) => group.reasons.map((own) => own.cause.id).join();

function cause({ cause: own, came, sure }) {
  const links = own.links.filter(safe).map((url) => element("a", { href: url, rel: "noreferrer noopener" }, url.replace(/^https?:\/\/(www\.)?/, "")));
  return element("div", { class: "group why" },
    element("p", {}, sure ? "" : "perhaps, for the releases do not tell: ", element("b", {}, own.title), ` — ${came ? "has come" : "is gone"} (${own.id}; ${own.versions})`),
    element("p", { class: "soft" }, own.note, ...links.flatMap((one) => [" ", one])));
}

function shownGroup(matrix, group) {
  const { pattern, exact } = describe(matrix, group.table, group.cells);
  const show = element("button", { type: "button", class: "button", onclick: () => go({ q: group.cells.length === 1 ? matrix.id(group.cells[0]) : pattern }) }, counted(group.cells.length, "cell"));
  const chip = (told) => element("span", { class: `chip ${lookClass(told.look)}` }, told.headline);
  return element("div", { class: `group ${group.reasons.length ? "why" : ""}` },
    element("p", {}, chip(group.was), element("span", { class: "arrow" }, " → "), chip(group.now), " ", show),
    element("p", {}, element("code", {}, group.cells.length === 1 ? matrix.id(group.cells[0]) : pattern), exact || group.cells.length === 1 ? "" : element("span", { class: "soft" }, " and others like them that did not change so")));
}

/** Return what cells of a table have in common as a pattern, and whether no other cell has it. */
function describe(matrix, table, cells) {
  const terms = [`table=${table.name}`];
  const few = (values) => values.size && values.size <= VALUES && !values.has("");
  for (const axis of table.axes) {
    const every = new Set(table.begins.map((one) => one.axes[axis] ?? ""));
    const own = new Set(cells.map((cell) => matrix.axes(cell)[axis] ?? ""));
    if (few(own) && own.size < every.size) terms.push(`${axis}=${[...own].join()}`);
  }
  const sockets = cells.map((cell) => matrix.sockets(cell));
  if (sockets[0].length) {
    const counts = new Set(sockets.map((one) => String(one.length)));
    const all = new Set(table.ends.map((one) => String(one.length)));
    if (counts.size < all.size && counts.size <= VALUES) terms.push(`receivers=${[...counts].join()}`);
    for (const axis of table.perSocket) {
      const possible = new Set(table.sockets.map((one) => one.values[axis]));
      const everyone = new Set(sockets.flatMap((own) => own.map((one) => one.values[axis])));
      if (few(everyone) && everyone.size < possible.size) {
        terms.push(`every.${axis}=${[...everyone].join()}`);
        continue;
      }
      for (const [who, at] of [["first", 0], ["last", -1]]) {
        const own = new Set(sockets.map((one) => one.at(at).values[axis]));
        if (few(own) && own.size < possible.size) terms.push(`${who}.${axis}=${[...own].join()}`);
      }
    }
  }
  const pattern = terms.join(" ");
  const mask = match(matrix, pattern);
  let matching = 0;
  for (let at = table.offset; at < table.offset + table.count; at++) matching += mask[at];
  return { pattern, exact: matching === cells.length };
}
