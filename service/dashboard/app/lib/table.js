// Reads the first rows of a table in the browser, to offer its columns as targets. The service reads the whole file by its
// own rules; this result only decides whether to ask the reader.

const MAX_BYTES = 256 * 1024;
const MAX_ROWS = 20;
const TABLE_NAME = /\.(csv|tsv|tab|txt)(\.gz)?$/i;
const DELIMITERS = [",", ";", "\t", "|"];
const EXCEL = /^\s*sep=([,;\t|])[\r\n]+/i; // names the delimiter and is not a row
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const TARGET_NAMES = ["label", "target", "class", "y"];

/** Whether a file has the name of a table. */
export const isTable = (file) => TABLE_NAME.test(file.name);

/** The first rows of a file as lists of cells; empty if it cannot be read. Reads at most 256 KiB. */
export async function firstRows(file) {
  const bytes = await firstBytes(file);
  return rowsOf(decoded(bytes), bytes.length >= MAX_BYTES);
}

/** Whether the first row seems to be a header: it has no numbers, counts its columns, or names a target. */
export function hasHeader(rows) {
  const [first] = rows;
  const numbers = first.filter(isNumber);
  const begin = Number(numbers[0]);
  const counts = numbers.length > 1 && (begin === 0 || begin === 1) && numbers.every((text, n) => text.trim() === String(begin + n));
  return !numbers.length || counts || first.some(isTargetName);
}

/** Whether the service recognises the target: by its name, or as the column before the pixels of a table without header. */
export function hasClearTarget(rows) {
  if (hasHeader(rows)) return rows[0].filter(isTargetName).length === 1;
  const whole = (text) => /^\d+$/.test(text.trim());
  return rows[0].length > 2 && rows.every(([label, ...pixels]) => whole(label) && pixels.every((text) => whole(text) && Number(text) <= 255));
}

/** The columns: `name` for the option `target`, null if no option can name the column, and some of its values. */
export function columnsOf(rows, headed) {
  const examples = headed ? rows.slice(1) : rows;
  const names = rows[0].map((cell, at) => (headed ? cell.trim() : String(at + 1)));
  return names.map((name, at) => {
    const isUnique = names.filter((other) => other === name).length === 1;
    return { name: isUnique ? targetOption(name) : null, text: name || `column ${at + 1}, without a name`, values: examples.map((row) => row[at] ?? "") };
  });
}

/** A column as a value of the option `target`, where a colon separates the feature's name from its column. */
function targetOption(name) {
  if (!name || name.includes(";")) return null;
  if (!name.includes(":")) return name;
  return name.includes(",") ? null : `label:${name}`;
}

function isNumber(text) {
  return NUMBER.test(text.trim());
}

function isTargetName(text) {
  return TARGET_NAMES.includes(text.trim().toLowerCase());
}

async function firstBytes(file) {
  const start = new Uint8Array(await file.slice(0, MAX_BYTES).arrayBuffer());
  if (start[0] !== 0x1f || start[1] !== 0x8b) return start;
  const reader = new Blob([start]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const parts = [];
  let size = 0;
  try {
    for (let part = await reader.read(); !part.done && size < MAX_BYTES; part = await reader.read()) {
      parts.push(part.value);
      size += part.value.length;
    }
  } catch {
    // A truncated gzip file ends in an error; the part before it is used.
  }
  reader.cancel().catch(() => {});
  return new Uint8Array(await new Blob(parts).arrayBuffer()).slice(0, MAX_BYTES);
}

/** Text in UTF-8, in UTF-16 with a byte order mark, else in Windows-1252. */
function decoded(bytes) {
  const mark = bytes[0] * 256 + bytes[1];
  if (mark === 0xfffe) return new TextDecoder("utf-16le").decode(bytes);
  if (mark === 0xfeff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    // As a stream, so that an incomplete character at the end is no error.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** Rows as in RFC 4180. The last row of a truncated text is dropped, because cells may be missing. */
function rowsOf(whole, isCut) {
  const declared = EXCEL.exec(whole);
  const text = declared ? whole.slice(declared[0].length) : whole;
  const delimiter = declared ? declared[1] : delimiterOf(text);
  const rows = [];
  let row = [];
  let cell = "";
  let isQuoted = false;
  const endCell = () => {
    row.push(cell);
    cell = "";
  };
  const endRow = () => {
    endCell();
    if (row.length > 1 || row[0].trim()) rows.push(row);
    row = [];
  };
  for (let at = 0; at < text.length && rows.length < MAX_ROWS; at += 1) {
    const character = text[at];
    if (isQuoted) {
      if (character !== '"') cell += character;
      else if (text[at + 1] === '"') cell += text[(at += 1)];
      else isQuoted = false;
    } else if (character === '"' && !cell.trim()) {
      cell = "";
      isQuoted = true;
    } else if (character === delimiter) endCell();
    else if (character === "\n" || character === "\r") endRow();
    else cell += character;
  }
  if (rows.length < MAX_ROWS && (row.length || cell) && !isCut) endRow();
  return rows;
}

/** The delimiter in the first line, outside quotes. */
function delimiterOf(text) {
  const line = text.replace(/"(?:[^"]|"")*"/g, "").trimStart().split(/[\r\n]/, 1)[0];
  return DELIMITERS.find((mark) => line.includes(mark)) ?? ",";
}
