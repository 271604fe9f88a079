// The line of the value that a JSON pointer (RFC 6901) refers to. Lines count from 1.

/** The line of `pointer` in a JSON or YAML text, or of the nearest parent that exists. */
export function lineOf(text, pointer) {
  const places = text.trimStart().startsWith("{") ? jsonPlaces(text) : yamlPlaces(text);
  const parts = pointer.split("/");
  while (parts.length > 1 && !places.has(parts.join("/"))) parts.pop();
  return places.get(parts.join("/")) ?? 1;
}

const escaped = (key) => key.replaceAll("~", "~0").replaceAll("/", "~1");

/** Pointer -> line for a JSON text; for an invalid one, of the part before the error. */
export function jsonPlaces(text) {
  const places = new Map();
  const tokens = /"(?:[^"\\\n]|\\.)*"|[{}[\]:,]|\n|[^\s{}[\]:,"]+/g;
  const open = []; // {pointer, list, key, index}
  let line = 1;
  let expectsKey = false;

  const here = () => {
    const around = open.at(-1);
    if (!around) return "";
    return `${around.pointer}/${around.list ? around.index : around.key}`;
  };

  for (const [token] of text.matchAll(tokens)) {
    if (token === "\n") line += 1;
    else if (token === "{" || token === "[") {
      const pointer = here();
      if (!places.has(pointer)) places.set(pointer, line);
      open.push({ pointer, list: token === "[", key: null, index: 0 });
      expectsKey = token === "{";
    } else if (token === "}" || token === "]") {
      open.pop();
      expectsKey = false;
    } else if (token === ",") {
      const around = open.at(-1);
      if (around?.list) around.index += 1;
      else expectsKey = true;
    } else if (token !== ":") {
      const around = open.at(-1);
      if (around && !around.list && expectsKey) {
        around.key = escaped(unquoted(token));
        expectsKey = false;
      }
      if (!places.has(here())) places.set(here(), line);
    }
  }
  return places;
}

/** The same for YAML in block style; values in flow style, `[1, 2]`, are not looked into. */
export function yamlPlaces(text) {
  const places = new Map([["", 1]]);
  const open = []; // {indent, pointer, index}, the outermost first
  text.split("\n").forEach((whole, n) => {
    let rest = whole.replace(/(^|\s)#.*$/, "");
    let indent = rest.length - rest.trimStart().length;
    rest = rest.trim();
    if (!rest || rest === "---") return;
    for (let dash = /^-(\s+|$)/.exec(rest); dash; dash = /^-(\s+|$)/.exec(rest)) {
      // A list may have the same indentation as its key.
      while (open.length && open.at(-1).indent > indent) open.pop();
      const around = open.at(-1);
      if (around?.list && around.indent === indent) around.index += 1;
      else open.push({ indent, list: true, base: around ? pointerIn(around) : "", index: 0 });
      places.set(pointerIn(open.at(-1)), n + 1);
      rest = rest.slice(dash[0].length);
      indent += dash[0].length;
    }
    const pair = /^("[^"]*"|'[^']*'|[^\s:{}[\],][^:]*?)\s*:(\s|$)/.exec(rest);
    if (!pair) return;
    while (open.length && (open.at(-1).indent > indent || (open.at(-1).indent === indent && open.at(-1).list))) open.pop();
    const key = escaped(unquoted(pair[1]));
    const around = open.at(-1);
    if (around && around.indent === indent) around.key = key;
    else open.push({ indent, list: false, base: around ? pointerIn(around) : "", key });
    places.set(pointerIn(open.at(-1)), n + 1);
  });
  return places;
}

const pointerIn = (level) => `${level.base}/${level.list ? level.index : level.key}`;

function unquoted(token) {
  if (token.startsWith("'")) return token.slice(1, -1);
  if (!token.startsWith('"')) return token;
  try {
    return JSON.parse(token);
  } catch {
    return token.slice(1, -1);
  }
}
