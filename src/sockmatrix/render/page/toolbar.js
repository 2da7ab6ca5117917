// The tools of the bar: filter, facets, differences, platforms, comparison.

import { element } from "./element.js";
import { current, go } from "./address.js";
import { terms } from "./pattern.js";

const WAIT = 60; // ms after a key, so that typing a word filters once

/** Fill the bar; return a function that shows a state in it. */
export function toolbar(place, matrix) {
  const field = element("input", { type: "search", id: "filter", placeholder: "Filter: multicast, dest=lobcast every.reuse=addr, fan-out/*", autocomplete: "off", spellcheck: "false", "aria-label": "Filter cells by words or a pattern", "aria-describedby": "problem" });
  const problem = element("p", { id: "problem", class: "problem", role: "alert", hidden: true });
  let timer = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => go({ q: field.value.trim() }, { quiet: true }), WAIT);
  });
  const only = segment([["", "All"], ["differ", "Only differences"], ["odd", "Odd one out"]], (value) => go({ only: value }));
  only.all[2].title = "Cells in which one platform is unlike all others, which agree";
  const many = matrix.platforms.length > 1;
  const facet = facets(matrix);
  const platforms = platformMenu(matrix);
  const both = element("button", { type: "button", class: "button", onclick: () => go({ compare: current().compare ? "" : `${Math.max(0, matrix.platforms.length - 2)},${matrix.platforms.length - 1}` }) }, "Compare two");
  const choices = element("div", { class: "choices" }, facet.node);
  if (many) choices.append(only.node);
  if (many || matrix.core.beside.length) choices.append(platforms.node);
  if (many) choices.append(both);
  place.append(element("div", { class: "filter" }, field, problem), choices);
  place.hidden = false;
  for (const menu of document.querySelectorAll(".menu")) closing(menu);
  return (state, error) => {
    if (document.activeElement !== field) field.value = state.q;
    field.setAttribute("aria-invalid", String(Boolean(error)));
    problem.textContent = error;
    problem.hidden = !error;
    only.show(state.only);
    facet.show(state.q);
    platforms.show(state.off);
    both.setAttribute("aria-pressed", String(Boolean(state.compare)));
  };
}

function segment(options, act) {
  const all = options.map(([value, text]) => element("button", { type: "button", class: "button", "data-v": value, onclick: () => act(value) }, text));
  const node = element("div", { class: "segment", role: "group", "aria-label": "Which cells" }, ...all);
  return { node, all, show: (value) => all.forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.v === value))) };
}

function menu(title, ...content) {
  return element("details", { class: "menu" }, element("summary", {}, title), element("div", { class: "panel" }, ...content));
}

/** A menu closes with Escape, and when one clicks elsewhere. */
function closing(node) {
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !node.open) return;
    node.open = false;
    node.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (node.open && !node.contains(event.target)) node.open = false;
  });
}

/** Choices over axes; each is a term of the filter, so that there is one truth. */
function facets(matrix) {
  const { axes, questions } = matrix.core;
  const options = (values, words = {}) => values.map((one) => [one, words[one] ?? one]);
  const used = (read) => [...new Set(matrix.tables.flatMap((table) => table.begins.map((one) => one.axes[read]).filter(Boolean)))];
  const reuse = [...new Set(matrix.tables.flatMap((table) => table.sockets.map((one) => one.values.reuse).filter(Boolean)))];
  const binds = [...new Set(matrix.tables.flatMap((table) => table.sockets.map((one) => one.values.bind).filter(Boolean)))];
  const counts = [...new Set(matrix.tables.flatMap((table) => table.ends.map((one) => one.length)))].filter(Boolean).sort((a, b) => a - b).map(String);
  const all = [
    ["table", "table", options(Object.keys(questions))],
    ["transport", "transport", options(used("transport"), axes.transport?.values)],
    ["dest-class", "kind of destination", options(["unicast", "broadcast", "multicast"])],
    ["dest", "sent to", options(used("dest"), axes.dest?.values)],
    ["every.reuse", "every socket sets", options(reuse, axes.reuse?.values)],
    ["some.reuse", "some socket sets", options(reuse, axes.reuse?.values)],
    ["every.bind", "every socket is bound to", options(binds, axes.bind?.values)],
    ["some.bind", "some socket is bound to", options(binds, axes.bind?.values)],
    ["sockets", "sockets", options(["alike", "mixed"], { alike: "all alike", mixed: "not alike" })],
    ["receivers", "number of sockets", options(counts)],
  ].filter(([, , values]) => values.length > 1);
  const selects = new Map();
  const labels = all.map(([name, title, values]) => {
    const select = element("select", {}, element("option", { value: "" }, "any"), ...values.map(([value, text]) => element("option", { value }, text)));
    select.addEventListener("change", () => go({ q: replaced(current().q, name, select.value) }));
    selects.set(name, select);
    return element("label", {}, title, select);
  });
  const clear = element("button", { type: "button", class: "button", onclick: () => go({ q: "", only: "" }) }, "Clear");
  const node = menu("Facets", element("h2", {}, "Facets"), element("div", { class: "facets" }, ...labels), element("p", {}, clear));
  return {
    node,
    show(text) {
      const given = new Map(terms(text).filter(([, sign]) => sign === "=").map(([name, , value]) => [name, value]));
      for (const [name, select] of selects) {
        const value = given.get(name) ?? "";
        select.value = [...select.options].some((one) => one.value === value) ? value : "";
      }
    },
  };
}

function replaced(text, name, value) {
  const others = text.split(/\s+/).filter((word) => word && !word.startsWith(`${name}=`));
  return [...others, ...(value ? [`${name}=${value}`] : [])].join(" ");
}

function platformMenu(matrix) {
  const every = [...matrix.platforms.map((one, at) => [String(at), one.name, "measured"]), ...matrix.core.beside];
  const boxes = every.map(([key, name, kind]) => {
    const box = element("input", { type: "checkbox", value: key });
    box.addEventListener("change", () => go({ off: boxes.map((one) => one.box).filter((one) => !one.checked).map((one) => one.value).join(",") }));
    return { box, node: element("label", {}, box, ` ${name} `, element("span", { class: `kind ${kind}` }, kind)) };
  });
  const set = (on) => go({ off: on ? "" : every.map(([key]) => key).join(",") });
  const node = menu("Platforms", element("h2", {}, "Platforms"), ...boxes.map((one) => one.node),
    element("p", {}, element("button", { type: "button", class: "button", onclick: () => set(true) }, "All"), " ", element("button", { type: "button", class: "button", onclick: () => set(false) }, "None")));
  return {
    node,
    show(off) {
      const hidden = new Set(off.split(","));
      boxes.forEach(({ box }) => { box.checked = !hidden.has(box.value); });
    },
  };
}
