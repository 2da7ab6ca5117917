// The view follows from the address; everything that changes it goes through `address.js`.

import { counted } from "./element.js";
import { follow, go } from "./address.js";
import { Matrix } from "./matrix.js";
import { PatternError } from "./pattern.js";
import { filtered } from "./filter.js";
import { Section, openClicked } from "./tables.js";
import { openCell } from "./cell.js";
import { saidOf } from "./documents.js";
import { compare } from "./compare.js";
import { toolbar } from "./toolbar.js";
import { unpack } from "./unpack.js";

const FEW = 60;
const LISTS = 3;

async function start() {
  const [tables, core, documents, verdicts] = await Promise.all(["cells", "core", "documents", "verdicts"].map(unpack));
  const matrix = new Matrix(tables, core);
  matrix.says = (key, cell) => saidOf(key, cell, documents, verdicts);
  const sections = [...document.querySelectorAll("section.question")].map((node) => new Section(node, matrix));
  const dialog = document.getElementById("cell");
  const status = document.getElementById("status");
  const comparison = document.getElementById("compare");
  const bar = toolbar(document.getElementById("tools"), matrix);
  let alike = [];
  let lastMask = null;

  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) sections.find((one) => one.node === target).open();
  }, { rootMargin: "800px" });
  sections.forEach((one) => near.observe(one.node));

  document.addEventListener("click", (event) => openClicked(matrix, event, (cells) => { alike = cells; }));
  for (const row of document.querySelectorAll("[data-pair]")) addCompare(row);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); go({ cell: "" }); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) go({ cell: "" }); });

  function show(state, before) {
    let mask = null;
    let problem = "";
    try {
      mask = filtered(matrix, state);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      problem = error.message;
      mask = lastMask;
    }
    lastMask = mask;
    const cell = state.cell ? matrix.find(state.cell) : -1;
    if (state.cell && cell < 0) problem ||= `There is no cell ${state.cell}`;
    bar(state, problem);
    const same = ["q", "only", "off"].every((name) => state[name] === before?.[name]);
    if (!same || !before) tell(mask, state, before);
    if (state.compare && (!same || state.compare !== before?.compare)) showComparison(state, mask, before);
    if (!state.compare) comparison.hidden = true;
    if (state.cell !== before?.cell) showCell(cell);
  }

  function tell(mask, state, before) {
    let matching = 0;
    for (const one of sections) matching += one.show(mask, state, before);
    const hidden = mask !== null;
    document.querySelectorAll(".answers, .timeline, nav.index").forEach((node) => { node.hidden = hidden; });
    // A list stands where nothing else would show what matches; making many takes too long.
    const bare = sections.filter((one) => one.matching > 0 && one.bare);
    if (hidden) for (const one of sections) one.toggleList(one.matching > 0 && (matching <= FEW || (one.bare && bare.length <= LISTS)));
    status.textContent = hidden ? (matching ? `${counted(matching, "cell")} of ${matrix.count.toLocaleString("en")} in ${counted(sections.filter((one) => one.matching).length, "table")}` : "No cell matches") : "";
  }

  async function showComparison(state, mask, before) {
    const pair = state.compare.split(",").map(Number);
    if (pair.length !== 2 || pair.some((at) => !(at in matrix.platforms))) return;
    compare(comparison, matrix, await unpack("causes"), await unpack("evidence"), pair, mask);
    if (!before?.compare) comparison.scrollIntoView();
  }

  function showCell(cell) {
    if (cell >= 0) openCell(dialog, matrix, cell, alike);
    else if (dialog.open) dialog.close();
  }

  let shown = null;
  follow((state) => {
    show(state, shown);
    shown = state;
  });
  document.documentElement.dataset.ready = "yes";
  prepare(matrix);
}

/** Make the ids and what platforms tell before they are asked for, a table at a time. */
function prepare(matrix) {
  const work = [...matrix.tables.map((table) => () => table.ids), ...matrix.platforms.map((_, at) => () => matrix.toldBy(at))];
  const next = () => {
    work.shift()?.();
    if (work.length) (window.requestIdleCallback ?? setTimeout)(next);
  };
  next();
}

/** A row of the timeline gets a button that shows what changed. */
function addCompare(row) {
  const cell = row.querySelector(".bar-cell");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = "Show";
  button.setAttribute("aria-label", `Show what changed from ${row.cells[0].textContent} to ${row.cells[1].textContent}`);
  button.addEventListener("click", () => go({ compare: row.dataset.pair.replace(" ", ",") }));
  cell.append(" ", button);
}

start();
