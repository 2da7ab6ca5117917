// Elements made of names, attributes and children; text is only ever text.

/** Return an element; children that are no elements become text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, String(value));
  }
  made.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== ""));
  return made;
}

/** Return a drawing of bars: widths of 100 in all, with a class for each. */
export function bars(parts) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("viewBox", "0 0 100 10");
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("aria-hidden", "true");
  let left = 0;
  for (const [width, look] of parts) {
    const one = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    one.setAttribute("x", String(left));
    one.setAttribute("width", String(width));
    one.setAttribute("height", "10");
    one.setAttribute("class", `h-${look || "x"}`);
    drawing.append(one);
    left += width;
  }
  return drawing;
}

/** Return a button that copies what a function returns, and says so. */
export function copier(label, text) {
  const button = element("button", { type: "button", class: "button" }, label);
  button.addEventListener("click", async () => {
    const done = await copy(await text());
    button.textContent = done ? "Copied" : "Cannot copy here";
    setTimeout(() => { button.textContent = label; }, 1500);
  });
  return button;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page from a file may have no clipboard; the old way needs a selection, where the focus may go.
    const place = document.querySelector("dialog[open]") ?? document.body;
    const area = element("textarea", { readonly: true, "aria-label": "to copy" });
    area.value = text;
    place.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

const LOOKS = { green: "g", cyan: "c", blue: "b", red: "r", magenta: "m", yellow: "y", dim: "d" };

/** Return the class of a colour; it only repeats what the words say. */
export const lookClass = (look) => LOOKS[look] ?? "";

/** Return "1 cell", "12,000 cells". */
export const counted = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
