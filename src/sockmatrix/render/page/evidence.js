// What was observed of a cell: each way that it turned out, receiver by receiver.

import { element, lookClass } from "./element.js";
import { NOTHING, receivers } from "./matrix.js";

/** Return what platforms have of a cell: those with the same outcome together. */
export function results(matrix, cell, evidence) {
  const groups = new Map();
  matrix.columns.forEach((column, at) => {
    if (!groups.has(column[cell])) groups.set(column[cell], []);
    groups.get(column[cell]).push(at);
  });
  return [...predictions(matrix, cell), ...[...groups].map(([number, platforms]) => {
    const names = ranges(matrix, platforms);
    if (number === NOTHING) {
      return element("div", { class: "result" }, element("p", {}, element("b", {}, names.join(", ")), " — not measured"));
    }
    const told = matrix.outcomes[number];
    const tables = ways(evidence.facets[number], matrix.sockets(cell)).filter(Boolean);
    return element("div", { class: "result" },
      element("p", {}, element("span", { class: `chip ${lookClass(told.look)}` }, told.headline), " ", element("b", {}, names.join(", ")), " ", element("span", { class: "kind measured" }, "measured")),
      element("p", {}, evidence.sentences[number]),
      ...tables,
      tables.length && platforms.length > 1 ? element("p", { class: "soft" }, `Repetitions and amounts are those of ${matrix.platforms[platforms[0]].name}.`) : "");
  })];
}

function predictions(matrix, cell) {
  return [-1, ...matrix.platforms.keys()].map((at) => [at, matrix.predicted(at, cell)]).filter(([, model]) => model).map(([at, { headline, look }]) => {
    const name = at < 0 ? matrix.core.beside.find(([key]) => key === "model")[1] : matrix.platforms[at].name;
    return element("div", { class: "result" }, element("p", {}, element("span", { class: `chip ${lookClass(look)}` }, headline), " ", element("b", {}, name), " ", element("span", { class: "kind predicted" }, "predicted"), " by the reference model; nobody measured it there."));
  });
}

/** Return the names of platforms, neighbours of one system as a range. */
export function ranges(matrix, platforms) {
  const groups = [];
  for (const at of platforms) {
    const last = groups.at(-1);
    const same = last && at === last.at(-1) + 1 && matrix.platforms[at].system === matrix.platforms[last[0]].system;
    if (same) last.push(at);
    else groups.push([at]);
  }
  return groups.map((own) => {
    const { name } = matrix.platforms[own[0]];
    return own.length < 3 ? own.map((at) => matrix.platforms[at].name).join(", ") : `${name} to ${matrix.platforms[own.at(-1)].release}`;
  });
}

function ways(facets, sockets) {
  const every = (facets.n ?? 0) + (facets.missed ?? 0);
  const found = facets.variants ?? (facets.n ? [facets] : []);
  return found.map((way) => {
    const rows = [...receiverRows(way, sockets)];
    if (!rows.length) return "";
    const labelled = rows.some(([, label]) => label);
    return element("table", {},
      element("caption", {}, `${way.n} of ${every} repetitions`),
      element("thead", {}, element("tr", {}, ...["who", ...(labelled ? ["label"] : []), "what came of it"].map((one) => element("th", { scope: "col" }, one)))),
      element("tbody", {}, ...rows.map(([who, label, said]) => element("tr", {}, element("th", { scope: "row" }, who), ...(labelled ? [element("td", {}, label)] : []), element("td", {}, said)))));
  });
}

function* receiverRows(way, sockets) {
  const failed = way.failed ?? {};
  const deliveries = Object.entries(way.delivery ?? {});
  const roles = sockets.length ? receivers(sockets.length) : rolesOf(way, deliveries);
  for (const role of roles) {
    if (failed[role]) yield [role, "", `refused: ${failed[role]}`];
    else if (!deliveries.length) yield [role, "", "opened"];
    else for (const [label, delivery] of deliveries) yield [role, label, heard(role, delivery)];
  }
  for (const [role, why] of Object.entries(failed)) if (!roles.includes(role)) yield [role, "", `refused: ${why}`];
  for (const [label, errno] of [...Object.entries(way.send ?? {}), ...Object.entries(way.connect ?? {})]) yield ["S (sender)", label, `refused: ${errno}`];
  for (const [label, note] of Object.entries(way.notes ?? {})) yield ["noted", label, note];
}

/** The roles of a script that its outcome names; if all heard, it names none. */
function rolesOf(way, deliveries) {
  const named = new Set(deliveries.flatMap(([, one]) => [...Object.keys(one.heard ?? {}), ...(one.closed ?? [])]));
  if (deliveries.some(([, one]) => one.word === "all" || one.word === "none") && !named.size) return ["every open socket"];
  return [...named].sort();
}

function heard(role, delivery) {
  if (delivery.closed?.includes(role)) return "not open then";
  const sent = delivery.sent ?? 0;
  const amount = delivery.word === "all" ? sent : delivery.heard?.[role] ?? 0;
  return `heard ${amount} of ${sent}${delivery.copies?.includes(role) ? ", some twice" : ""}`;
}

/** Return what became of a cell over the releases of each series, as spans of releases. */
export function transitions(matrix, cell) {
  return matrix.core.series.flatMap(([kind, columns]) => {
    const spans = [];
    for (const at of columns) {
      const number = matrix.told(at, cell);
      if (number === NOTHING) continue;
      const last = spans.at(-1);
      if (last && matrix.agree(last.number, number)) last.to = at;
      else spans.push({ number, from: at, to: at });
    }
    if (!spans.length) return [];
    const name = (at) => matrix.platforms[at].release;
    return [element("p", { class: "soft" }, kind), element("ol", { class: "spans" }, ...spans.map((span) => {
      const told = matrix.outcomes[span.number];
      return element("li", { class: lookClass(told.look) }, `${name(span.from)}${span.to === span.from ? "" : ` to ${name(span.to)}`}: ${told.headline}`);
    }))];
  });
}
