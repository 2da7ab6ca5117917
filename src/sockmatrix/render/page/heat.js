// A heat map of a table: two of its axes, and in each tile what the cells there amount to.

import { bars, counted, element, lookClass } from "./element.js";
import { go } from "./address.js";
import { NOTHING } from "./matrix.js";
import { shownPlatforms } from "./filter.js";

const MOST = 40;
const chosen = new Map();

/** Draw the heat map of those cells of a table that a mask lets through. */
export function heat(place, matrix, table, mask, state) {
  const axes = axesOf(matrix, table);
  const own = chosen.get(table.name) ?? { rows: axes[0]?.name, columns: preferred(axes), platform: "" };
  chosen.set(table.name, own);
  const shown = shownPlatforms(matrix, state);
  if (own.platform === "" && shown.length > 1) own.platform = "parts";
  if (own.platform !== "parts" && !shown.includes(Number(own.platform || NaN))) own.platform = String(shown[0] ?? "");
  const again = () => heat(place, matrix, table, mask, state);
  const choice = (label, key, options) => element("label", {}, `${label} `, select(options, own[key], (value) => {
    own[key] = value;
    again();
  }));
  const names = axes.map((one) => [one.name, one.title]);
  const views = [...(shown.length > 1 ? [["parts", "where platforms part"]] : []),
    ...shown.map((at) => [String(at), matrix.platforms[at].name])];
  place.replaceChildren(
    element("div", { class: "pair" }, choice("down", "rows", names), choice("across", "columns", names), choice("showing", "platform", views)),
    draw(matrix, table, mask, axes, own, shown));
}

function select(options, value, act) {
  const made = element("select", {}, ...options.map(([name, text]) => element("option", { value: name }, text)));
  made.value = value;
  made.addEventListener("change", () => act(made.value));
  return made;
}

function preferred(axes) {
  const wanted = axes.find((one) => one.name === "shared") ?? axes.find((one, at) => at > 0 && one.size < 12);
  return (wanted ?? axes.at(-1))?.name;
}

/** Return the axes that a table has, those of sockets as the options that all share and the first bind. */
function axesOf(matrix, table) {
  const found = [];
  const vocabulary = matrix.words(table);
  for (const name of table.axes) {
    const values = new Set(table.begins.map((one) => one.axes[name] ?? ""));
    if (values.size > 1) found.push({ name, title: vocabulary[name].title, size: values.size, term: `${name}=`, words: vocabulary[name].values, of: (begin) => begin.axes[name] ?? "" });
  }
  const sockets = table.ends.some((one) => one.length);
  if (sockets) {
    const shared = (end) => {
      if (!end.length) return "";
      const [first, ...others] = end.map((one) => one.values.reuse.split("+"));
      return first.filter((option) => others.every((one) => one.includes(option))).join("+") || "none";
    };
    const binds = new Set(table.ends.map((end) => end[0]?.values.bind ?? ""));
    found.push({ name: "shared", title: "options that all set", size: 5, term: "shared=", words: { ...vocabulary.reuse?.values, none: "none in common" }, of: (_, end) => shared(end) });
    found.push({ name: "first.bind", title: "first bound to", size: binds.size, term: "first.bind=", words: vocabulary.bind?.values ?? {}, of: (_, end) => end[0]?.values.bind ?? "" });
    found.push({ name: "last.bind", title: "last bound to", size: binds.size, term: "last.bind=", words: vocabulary.bind?.values ?? {}, of: (_, end) => end.at(-1)?.values.bind ?? "" });
    found.push({ name: "receivers", title: "sockets", size: 3, term: "receivers=", words: {}, of: (_, end) => String(end.length) });
  }
  return found;
}

function draw(matrix, table, mask, axes, own, shown) {
  const down = axes.find((one) => one.name === own.rows);
  const across = axes.find((one) => one.name === own.columns);
  if (!down || !across) return element("p", {}, "This table has a single axis.");
  const tiles = new Map();
  const rows = new Map();
  const columns = new Map();
  for (let at = 0; at < table.count; at++) {
    const cell = table.offset + at;
    if (mask && !mask[cell]) continue;
    const begin = table.begins[table.begin[at]];
    const end = table.ends[table.end[at]];
    const row = down.of(begin, end);
    const column = across.of(begin, end);
    rows.set(row, true);
    columns.set(column, true);
    const key = `${row}\n${column}`;
    if (!tiles.has(key)) tiles.set(key, new Map());
    const words = tiles.get(key);
    const [word, look] = wordOf(matrix, cell, own, shown);
    const known = words.get(word) ?? { count: 0, look };
    known.count++;
    words.set(word, known);
  }
  const name = (axis, value) => axis.words[value] ?? (value || "–");
  const heads = [...columns.keys()].map((one) => element("th", { scope: "col" }, name(across, one)));
  const body = [...rows.keys()].slice(0, MOST).map((row) => element("tr", {}, element("th", { scope: "row" }, name(down, row)),
    ...[...columns.keys()].map((column) => tile(tiles.get(`${row}\n${column}`), [down, row, across, column], table))));
  const title = `${table.name}: ${down.title} by ${across.title}`;
  return element("div", { class: "wide own", role: "region", "aria-label": title, tabindex: "0" },
    element("table", {}, element("caption", {}, `${title}. A bar is all cells of a tile; the word is what most of them show.`),
      element("thead", {}, element("tr", {}, element("td"), ...heads)), element("tbody", {}, ...body)));
}

function wordOf(matrix, cell, own, shown) {
  if (own.platform === "parts") {
    const columns = shown.map((at) => matrix.toldBy(at));
    if (matrix.parts(columns, cell)) return ["parted", "m"];
    return columns.some((column) => column[cell] !== NOTHING) ? ["same", "g"] : ["not measured", "d"];
  }
  const number = matrix.columns[Number(own.platform)][cell];
  if (number === NOTHING) return ["not measured", "x"];
  const { word, look } = matrix.outcomes[number];
  return [word, lookClass(look)];
}

function tile(words, [down, row, across, column], table) {
  if (!words) return element("td", { class: "no" });
  const ordered = [...words].sort((one, other) => other[1].count - one[1].count);
  const all = ordered.reduce((sum, [, { count }]) => sum + count, 0);
  const [[word, most]] = ordered;
  const said = ordered.map(([name, { count }]) => `${name} ${count}`).join(", ");
  const share = Math.round((100 * most.count) / all);
  const pattern = [`table=${table.name}`, row && down.term + row, column && across.term + column].filter(Boolean).join(" ");
  const button = element("button", { type: "button", class: "tile", title: said, "aria-label": `${said}; ${counted(all, "cell")}: show them`, onclick: () => go({ q: pattern }) },
    `${word} ${share < 100 ? `${share} %` : ""}`, bars(ordered.map(([, { count, look }]) => [(100 * count) / all, look])));
  return element("td", {}, button);
}
