// The tables that are in the page already: their cells open, and a filter hides rows and sections.

import { counted, element, lookClass } from "./element.js";
import { NOTHING } from "./matrix.js";
import { shownPlatforms } from "./filter.js";
import { go } from "./address.js";
import { heat } from "./heat.js";

const STEP = 100;

/** Return the numbers in "3 7-9". */
export function numbers(text) {
  return text.split(" ").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}

/** A section of the page: one table of the matrix. */
export class Section {
  constructor(node, matrix) {
    this.node = node;
    this.matrix = matrix;
    this.table = matrix.tables.find((one) => one.name === node.dataset.t);
    this.parts = [...node.querySelectorAll(".wide")].map((part) => ({
      part,
      hidden: false,
      rows: [...part.querySelectorAll("tbody tr")].map((row) => ({
        row,
        hidden: false,
        cells: [...row.querySelectorAll("[data-c]")].map((cell) => ({ cell, off: false, own: numbers(cell.dataset.c) })),
      })),
    }));
    this.whole = true;
    this.count = element("span", { class: "count" });
    node.querySelector(".name").append(" ", this.count);
    this.listing = element("div", { class: "list" });
    this.drawing = element("div", { class: "heat" });
    this.one = element("button", { type: "button", class: "button", "aria-expanded": "false", onclick: () => this.toggleList() });
    this.hot = element("button", { type: "button", class: "button", "aria-expanded": "false", onclick: () => this.toggleHeat() }, "Heat map");
    node.append(element("div", { class: "more" }, this.one, this.hot), this.drawing, this.listing);
    this.matching = this.table.count;
    this.mask = null;
    this.state = null;
    this.openable = false;
    this.label();
  }

  /** Make the cells of the tables buttons; done when the section comes near, for there are thousands. */
  open() {
    if (this.openable) return;
    this.openable = true;
    for (const { rows } of this.parts) {
      for (const { cells } of rows) {
        for (const { cell, own } of cells) cell.replaceChildren(opener(cell.textContent, own));
      }
    }
  }

  /** Show what a view shows of this section; return how many of its cells that are. */
  show(mask, state, before) {
    const { offset, count } = this.table;
    let matching = count;
    if (mask) {
      matching = 0;
      for (let at = offset; at < offset + count; at++) matching += mask[at];
    }
    this.mask = mask;
    this.state = state;
    this.node.hidden = matching === 0;
    const whole = matching === count;
    if (matching && !(whole && this.whole)) this.mark(whole ? null : mask);
    if (matching) this.whole = whole;
    if (state.off !== before?.off) this.platforms(state);
    this.matching = matching;
    this.label();
    if (this.listing.firstChild) this.list();
    if (this.drawing.firstChild) this.heat();
    return matching;
  }

  /** Hide the rows that have none of the cells, and dim the cells beside one that is shown. */
  mark(mask) {
    for (const part of this.parts) {
      let some = false;
      for (const row of part.rows) {
        let any = !mask;
        for (const one of row.cells) {
          const off = mask !== null && !one.own.some((cell) => mask[cell]);
          any ||= !off;
          if (off !== one.off) one.cell.classList.toggle("off", off);
          one.off = off;
        }
        if (row.hidden === any) row.row.hidden = !any;
        row.hidden = !any;
        some ||= any;
      }
      if (part.hidden === some) part.part.hidden = !some;
      part.hidden = !some;
    }
    for (const heading of this.node.querySelectorAll("h3")) {
      let next = heading.nextElementSibling;
      while (next?.matches(".wide[hidden]")) next = next.nextElementSibling;
      heading.hidden = !next?.matches(".wide");
    }
  }

  /** Whether its tables have none of the cells. */
  get bare() {
    return this.parts.every((one) => one.hidden);
  }

  platforms(state) {
    const off = new Set(state.off.split(","));
    for (const head of this.node.querySelectorAll(".wide:not(.own) th[data-k]")) {
      const hidden = head.dataset.k.split(" ").every((key) => off.has(key));
      if (head.hidden === hidden) continue;
      for (const row of head.closest("table").rows) row.cells[head.cellIndex].hidden = hidden;
    }
  }

  label() {
    const all = this.table.count;
    const some = this.matching === all ? counted(all, "cell") : `${this.matching.toLocaleString("en")} of ${counted(all, "cell")}`;
    this.count.textContent = some;
    this.one.textContent = this.listing.firstChild ? "Hide the list" : this.matching === 1 ? "Show the cell" : `Show the ${counted(this.matching, "cell")} one by one`;
  }

  toggleList(open = !this.listing.firstChild) {
    if (open) this.list();
    else this.listing.replaceChildren();
    this.one.setAttribute("aria-expanded", String(open));
    this.label();
  }

  toggleHeat() {
    const open = !this.drawing.firstChild;
    if (open) this.heat();
    else this.drawing.replaceChildren();
    this.hot.setAttribute("aria-expanded", String(open));
  }

  heat() {
    heat(this.drawing, this.matrix, this.table, this.mask, this.state);
  }

  list() {
    const { offset, count } = this.table;
    const found = [];
    for (let at = offset; at < offset + count; at++) if (!this.mask || this.mask[at]) found.push(at);
    const shown = shownPlatforms(this.matrix, this.state);
    const body = element("tbody");
    const more = element("button", { type: "button", class: "button" });
    let next = 0;
    const add = () => {
      for (const cell of found.slice(next, next + STEP)) body.append(this.rowOf(cell, shown));
      next += STEP;
      more.hidden = next >= found.length;
      more.textContent = `Show ${Math.min(STEP, found.length - next)} more of ${found.length.toLocaleString("en")}`;
    };
    more.addEventListener("click", add);
    add();
    const heads = shown.map((at) => element("th", { scope: "col" }, this.matrix.platforms[at].name));
    heads.push(...this.beside().map(([, name, kind]) => element("th", { scope: "col", class: kind }, `${name} `, element("small", {}, kind))));
    const caption = `${this.table.name}: the cells one by one`;
    this.listing.replaceChildren(
      element("div", { class: "wide own", role: "region", "aria-label": caption, tabindex: "0" },
        element("table", {}, element("caption", {}, caption),
          element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "cell"), ...heads)), body)),
      more);
  }

  rowOf(cell, shown) {
    const id = this.matrix.id(cell);
    const tds = shown.map((at) => {
      const number = this.matrix.columns[at][cell];
      const model = this.matrix.predicted(at, cell);
      if (model) return element("td", { class: `pre ${lookClass(model.look)}` }, opener(model.headline, [cell]));
      if (number === NOTHING) return element("td", { class: "no" }, opener("–", [cell]));
      const told = this.matrix.outcomes[number];
      return element("td", { class: told.silent ? "no" : lookClass(told.look) }, opener(told.headline, [cell]));
    });
    return element("tr", {}, element("th", { scope: "row" }, element("code", {}, id.slice(this.table.name.length + 1))), ...tds, ...this.beside().map(([key, , kind]) => this.unmeasured(key, kind, cell)));
  }

  /** Return the columns that nobody measured and that are on. */
  beside() {
    const off = new Set(this.state.off.split(","));
    return this.matrix.core.beside.filter(([key]) => !off.has(key));
  }

  unmeasured(key, kind, cell) {
    const model = kind === "predicted" ? this.matrix.predicted(-1, cell) : null;
    const words = model?.headline ?? this.matrix.says(key, cell);
    if (!words) return element("td", { class: "no" }, opener("–", [cell]));
    return element("td", { class: model ? `pre ${lookClass(model.look)}` : "doc" }, opener(words, [cell]));
  }
}

/** Return a button with the text of a cell that opens it: the first, if it stands for several. */
function opener(text, cells) {
  return element("button", { type: "button", class: "open", "data-cells": cells.join(" "), "aria-haspopup": "dialog" }, text);
}

/** Open what was clicked: the address gets the id, and the rest follows from it. */
export function openClicked(matrix, event, remember) {
  const button = event.target.closest(".open");
  if (!button) return;
  const cells = button.dataset.cells.split(" ").map(Number);
  remember(cells);
  go({ cell: matrix.id(cells[0]) });
}
