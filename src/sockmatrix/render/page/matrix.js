// The cells of all tables and what each platform has of them, by number.

export const NOTHING = -1;

const NOT_RECEIVERS = "JSXYZ";
const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].filter((one) => !NOT_RECEIVERS.includes(one));
const NAMES = [...LETTERS, ...LETTERS.flatMap((one) => LETTERS.map((other) => one + other))];

/** Return the names of receivers in bind order. */
export const receivers = (count) => NAMES.slice(0, count);

/** A table: its cells are pairs of a beginning (axes of the cell) and an end (its sockets). */
class Table {
  constructor(own, offset) {
    this.name = own.name;
    this.lab = own.lab;
    this.offset = offset;
    this.count = own.cells.length / 2;
    this.begin = new Uint16Array(this.count);
    this.end = new Uint16Array(this.count);
    let begin = 0;
    for (let at = 0; at < this.count; at++) {
      begin += own.cells[2 * at];
      this.begin[at] = begin;
      this.end[at] = own.cells[2 * at + 1];
    }
    this.axes = own.axes;
    this.perSocket = own.per_socket;
    this.sockets = own.sockets.map(([text, ...values], number) => ({
      text,
      number,
      values: Object.fromEntries(own.per_socket.map((name, at) => [name, values[at]])),
    }));
    this.begins = own.begin.map(([text, rest]) => ({ text, axes: axesOf(text, own.rest[rest]) }));
    this.ends = own.end.map((numbers) => numbers.map((one) => this.sockets[one]));
    this.endTexts = this.ends.map(endText);
    this.known = null;
    this.words = null;
  }

  /** The ids of its cells; made once, when they are first asked for. */
  get ids() {
    this.known ??= Array.from(this.begin, (begin, at) => this.idAt(begin, this.end[at]));
    return this.known;
  }

  idAt(begin, end) {
    return this.name + this.begins[begin].text + this.endTexts[end];
  }
}

function axesOf(text, rest) {
  const axes = { ...rest };
  for (const part of text.split("/")) {
    const colon = part.indexOf(":");
    if (colon > 0) axes[part.slice(0, colon)] = part.slice(colon + 1);
  }
  return axes;
}

function endText(sockets) {
  if (!sockets.length) return "";
  const [first] = sockets;
  if (sockets.length > 3 && sockets.every((one) => one.text === first.text)) {
    return `/${sockets.length}x:${first.text}`;
  }
  return sockets.map((one, at) => `/${NAMES[at]}:${one.text}`).join("");
}

export class Matrix {
  constructor(tables, core) {
    let offset = 0;
    this.tables = tables.map((own) => {
      const table = new Table(own, offset);
      offset += table.count;
      return table;
    });
    this.count = offset;
    this.core = core;
    this.platforms = core.platforms;
    this.outcomes = core.outcomes.map(([headline, word, look, silent]) => ({
      headline, word, look, silent: Boolean(silent),
    }));
    this.agreeing = new Set(core.agreeing.flatMap(([one, ...others]) => others.map((other) => one * this.outcomes.length + other)));
    this.columns = columnsOf(core.columns, offset);
    this.predictions = new Map(core.predicted.map(([at, cell, headline, look]) => [`${at} ${cell}`, { headline, look }]));
  }

  tableOf(cell) {
    return this.tables.find((one) => cell < one.offset + one.count);
  }

  id(cell) {
    const table = this.tableOf(cell);
    const at = cell - table.offset;
    return table.idAt(table.begin[at], table.end[at]);
  }

  axes(cell) {
    const table = this.tableOf(cell);
    return table.begins[table.begin[cell - table.offset]].axes;
  }

  /** The axes in the words of a table: others may call an axis of that name, or a value, otherwise. */
  words(table) {
    table.words ??= Object.fromEntries(Object.entries(this.core.axes).map(([name, shared]) => {
      const own = this.core.own_words[table.name]?.[name] ?? {};
      return [name, { ...shared, ...own, values: { ...shared.values, ...own.values } }];
    }));
    return table.words;
  }

  sockets(cell) {
    const table = this.tableOf(cell);
    return table.ends[table.end[cell - table.offset]];
  }

  /** Return the number of the cell with an id, -1 if there is none. */
  find(id) {
    const table = this.tables.find((one) => one.name === id.split("/", 1)[0]);
    const at = table ? table.ids.indexOf(id) : -1;
    return at < 0 ? -1 : table.offset + at;
  }

  /** Return what the model says of a cell that was not measured on a platform (-1: of Linux), or nothing. */
  predicted(platform, cell) {
    return this.predictions.get(`${platform} ${cell}`);
  }

  /** Whether two outcomes agree: the same, or one of them left out what the other has. */
  agree(one, other) {
    return one === other || this.agreeing.has(one < other ? one * this.outcomes.length + other : other * this.outcomes.length + one);
  }

  /** Whether some platforms do not agree on a cell; `columns` are those of `toldBy`. */
  parts(columns, cell) {
    let first = NOTHING;
    let some = null;
    for (const column of columns) {
      const number = column[cell];
      if (number === NOTHING || number === first) continue;
      if (first === NOTHING) first = number;
      else if (!this.agree(first, number)) return true;
      else if (!some) some = [number];
      else if (!some.includes(number)) {
        if (some.some((one) => !this.agree(one, number))) return true;
        some.push(number);
      }
    }
    return false;
  }

  /** Whether nothing follows from an outcome for a comparison: repetitions were not alike. */
  undecided(number) {
    return this.outcomes[number].word === "unstable";
  }

  /** Return the number of what a platform has of a cell; NOTHING for what says nothing of it. */
  told(platform, cell) {
    return this.toldBy(platform)[cell];
  }

  /** The same for all cells. */
  toldBy(platform) {
    this.telling ??= [];
    this.telling[platform] ??= this.columns[platform].map((number) => (number === NOTHING || this.outcomes[number].silent ? NOTHING : number));
    return this.telling[platform];
  }
}

function columnsOf(packed, count) {
  const columns = [];
  for (const [base, ...changes] of packed) {
    const own = base < 0 ? new Int32Array(count).fill(NOTHING) : columns[base].slice();
    let place = 0;
    for (let at = 0; at < changes.length; at += 2) {
      place += changes[at];
      own[place] = changes[at + 1];
    }
    columns.push(own);
  }
  return columns;
}
