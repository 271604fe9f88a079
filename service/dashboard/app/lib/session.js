// The signed-in principal, and what it may do.
import { get } from "./api.js";

const INCLUDED = { admin: ["admin", "submit", "read"], submit: ["submit", "read"], read: ["read"], worker: [] };
const ANYBODY = { role: "admin", tenant: "default", token: null };

let loading = null;

/** The `Session` of the API; it is requested once for the page. */
export function session() {
  loading ??= get("session").catch((error) => {
    loading = null;
    if (error.status === 0 || error.status === 401) throw error;
    return ANYBODY;
  });
  return loading;
}

/** Whether the role of a session includes another role: buttons for what it may not do are left out. */
export const may = ({ role }, needed) => (INCLUDED[role] ?? []).includes(needed);
