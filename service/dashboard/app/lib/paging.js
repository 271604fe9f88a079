// Lists that the API returns in pages.
import { get } from "./api.js";

/** All entries of a list; stops after the page that reaches `maxEntries`. */
export async function everything(path, maxEntries = 1000) {
  const entries = [];
  let after = null;
  do {
    const page = await get(`${path}?limit=100${after ? `&after=${encodeURIComponent(after)}` : ""}`);
    entries.push(...page.data);
    after = page.has_more ? page.next : null;
  } while (after && entries.length < maxEntries);
  return entries;
}
