// A cell, opened: the experiment in words, what came of it where, what is said of it, how to repeat it.

import { copier, element } from "./element.js";
import { go, link } from "./address.js";
import { receivers } from "./matrix.js";
import { results, transitions } from "./evidence.js";
import { claimElement, claimsAbout, rulesAbout } from "./documents.js";
import { patternsOf } from "./rule.js";
import { program } from "./program.js";
import { told } from "./script.js";
import { unpack } from "./unpack.js";

const FEW = 6;

/** Show a cell in the dialog; `alike` are the cells that stand in the same place of a table. */
export async function openCell(dialog, matrix, cell, alike) {
  const names = ["evidence", "documents", "verdicts", "rules", "programs", "beforehand", "scripts"];
  const [evidence, documents, verdicts, rules, programs, beforehand, scripts] = await Promise.all(names.map(unpack));
  const id = matrix.id(cell);
  const close = element("button", { type: "button", class: "button", onclick: () => go({ cell: "" }), "aria-label": "Close" }, "Close");
  const claims = claimsAbout(cell, verdicts);
  const decided = [...patternsOf(matrix, cell), ...rulesAbout(cell, rules)];
  const spans = transitions(matrix, cell);
  dialog.replaceChildren(
    element("header", {}, element("div", {}, element("h2", { id: "cell-title" }, matrix.core.questions[matrix.tableOf(cell).name]), element("code", {}, id)), close),
    element("div", { class: "body", tabindex: "0", role: "region", "aria-label": "About the cell" },
      others(matrix, cell, alike),
      element("div", { class: "buttons" }, copier("Copy id", () => id), copier("Copy link", () => link({ cell: id })), ...repeat(id, program(matrix, cell, programs, beforehand, scripts))),
      element("h3", {}, "The experiment"), experiment(matrix, cell), ...told(matrix, cell, scripts),
      element("h3", {}, "What came of it"), ...results(matrix, cell, evidence),
      ...(spans.length ? [element("h3", {}, "Since when"), ...spans] : []),
      ...(decided.length ? [element("h3", {}, "The rule that predicts it"), ...decided] : []),
      element("h3", {}, claims.length ? `What documents say (${claims.length})` : "What documents say"),
      ...said(matrix, cell, claims, documents, verdicts),
      element("h3", {}, "On a command line"), element("pre", { tabindex: "0", "aria-label": "Commands" }, commands(id).join("\n"))));
  dialog.removeAttribute("aria-label");
  dialog.setAttribute("aria-labelledby", "cell-title");
  if (!dialog.open) dialog.showModal();
  dialog.querySelector(".body").scrollTop = 0;
}

function said(matrix, cell, claims, documents, verdicts) {
  if (!claims.length) return [element("p", { class: "soft" }, "No document of the collection speaks of this cell.")];
  const shown = claims.map((one) => claimElement(matrix, cell, one, documents, verdicts));
  if (shown.length <= FEW) return shown;
  return [...shown.slice(0, FEW), element("details", {}, element("summary", {}, `${shown.length - FEW} more`), ...shown.slice(FEW))];
}

function others(matrix, cell, alike) {
  if (alike.length < 2 || !alike.includes(cell)) return "";
  const select = element("select", {}, ...alike.map((one) => element("option", { value: one, selected: one === cell }, matrix.id(one))));
  select.addEventListener("change", () => go({ cell: matrix.id(Number(select.value)) }, { quiet: true }));
  return element("p", {}, element("label", {}, `${alike.length} cells are folded here: `, select));
}

function repeat(id, text) {
  const command = copier("Copy repro command", () => `sockmatrix repro '${id}' -o repro.py`);
  return text ? [copier("Copy repro program (Python)", () => text), command] : [command];
}

const commands = (id) => [
  `sockmatrix explain '${id}'`,
  `sockmatrix run --only '${id}' --cells`,
  `sockmatrix repro '${id}' -o repro.py`,
];

function experiment(matrix, cell) {
  const axes = matrix.words(matrix.tableOf(cell));
  const given = matrix.axes(cell);
  const own = matrix.tableOf(cell).axes.filter((name) => given[name]).map((name) => [name, given[name]]);
  const words = (name, value) => axes[name]?.values[value] ?? value;
  const list = element("dl", {}, ...own.map(([name, value]) => element("div", {}, element("dt", {}, axes[name]?.title ?? name), element("dd", {}, words(name, value)))));
  const sockets = matrix.sockets(cell);
  if (!sockets.length) return list;
  const further = matrix.tableOf(cell).perSocket;
  const shown = sockets.length > 8 ? sockets.slice(0, 8) : sockets;
  const table = element("table", {},
    element("caption", {}, sockets.length > 8 ? `The first 8 of ${sockets.length} sockets, in bind order` : "The sockets, in bind order"),
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "socket"), ...further.map((name) => element("th", { scope: "col" }, axes[name].title)))),
    element("tbody", {}, ...shown.map((one, at) => element("tr", {}, element("th", { scope: "row" }, receivers(at + 1).at(-1)), ...further.map((name) => element("td", {}, words(name, one.values[name])))))));
  return element("div", {}, list, element("div", { class: "wide", role: "region", "aria-label": "The sockets", tabindex: "0" }, table));
}
