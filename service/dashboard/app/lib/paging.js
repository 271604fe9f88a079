// Lists that the API gives page by page.
import { get } from "./api.js";

/** All of a list, up to `most` entries. */
export async function everything(path, most = 1000) {
  const found = [];
  let after = null;
  do {
    const page = await get(`${path}?limit=100${after ? `&after=${encodeURIComponent(after)}` : ""}`);
    found.push(...page.data);
    after = page.has_more ? page.next : null;
  } while (after && found.length < most);
  return found;
}
