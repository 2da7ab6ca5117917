// What the processes of a cell do, where its table has scripts: filled in, and in words.

import { element } from "./element.js";

const SENDER = "S";

/** Return elements that tell it, none where the table has no scripts. */
export function told(matrix, cell, scripts) {
  const text = script(matrix, cell, scripts);
  if (!text) return [];
  return [
    element("ol", { class: "turns" }, ...text.split("\n").map((line) => turn(line, scripts)).filter(Boolean)),
    element("details", {}, element("summary", {}, "As a script"), element("pre", { tabindex: "0", "aria-label": "Script" }, text)),
  ];
}

/** Return the script of a cell, "" if it has none. */
function script(matrix, cell, scripts) {
  const own = scripts.tables[matrix.tableOf(cell).name];
  if (!own) return "";
  const axes = matrix.axes(cell);
  let text = own.cases[axes.case];
  while (text.includes("{")) text = text.replace(/\{([^{}]*)\}/g, (_, name) => own.does[name][axes[name]]);
  return text.split("\n").map(tidy).filter(Boolean).join("\n");
}

/** Return the script of a cell as programs have it: each operation as it is always written. */
export function written(matrix, cell, scripts) {
  return script(matrix, cell, scripts).split("\n").map((line) => {
    const [actor, texts] = parts(line);
    const begin = whose(actor) === SENDER ? `${SENDER} ` : "";
    return `${actor}: ${texts.map((one) => scripts.forms[begin + one] ?? one).join("; ")}`;
  });
}

/** A turn without what an axis left empty. */
function tidy(line) {
  const [actor, texts] = parts(line);
  return texts.length ? `${actor}: ${texts.join("; ")}` : "";
}

function parts(line) {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).trim(), line.slice(colon + 1).split(";").map((one) => one.trim()).filter(Boolean)];
}

const whose = (actor) => actor.split("@")[0];

function turn(line, scripts) {
  const [actor, texts] = parts(line);
  const who = whose(actor);
  const place = actor.slice(who.length + 1);
  const words = who === SENDER ? scripts.sends : scripts.words;
  return element("li", {}, element("b", {}, who), ` ${[scripts.places[place], texts.map((one) => words[one]).join(", ")].filter(Boolean).join(" ")}.`);
}
