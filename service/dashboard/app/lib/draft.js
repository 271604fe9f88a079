// What a form holds, kept in the tab until it is sent.

const MAX_CHARACTERS = 1_000_000;

/** The draft of the form at an address: `kept` is what was kept, or null; `keep(read)` and `clear()` change it. */
export function draftOf(address) {
  const key = `draft:${address}`;

  function keep(read) {
    try {
      const text = JSON.stringify(read());
      if (text.length <= MAX_CHARACTERS) sessionStorage.setItem(key, text);
    } catch {
      // While a field is invalid, and in a full storage, the last draft stays.
    }
  }

  return { kept: JSON.parse(sessionStorage.getItem(key) ?? "null"), keep, clear: () => sessionStorage.removeItem(key) };
}
