// The time of the service, which all times of the API come from; the clock of the browser's machine may differ.

let ahead = 0;

/** Takes the time of an answer's `Date` header (RFC 9110 section 6.6.1). */
export function noteDate(header) {
  const time = Date.parse(header ?? "");
  // The header has whole seconds, and the answer took a moment: smaller differences are not real.
  if (Number.isFinite(time)) ahead = Math.abs(time - Date.now()) > 1500 ? time - Date.now() : 0;
}

/** The present time of the service, in milliseconds since 1970. */
export const now = () => Date.now() + ahead;
