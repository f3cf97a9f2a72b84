/**
 * The browser's storage, as GraphiQL uses it, without request headers unless "Persist headers" is on.
 *
 * An editor's token is a header. GraphiQL stores the headers of its history always, and, if the switch is turned off
 * shortly after an edit, those of its tabs too. So they are removed here, from all that GraphiQL stores; when the
 * switch is turned, what GraphiQL has stored last is stored again.
 */
const PREFIX = 'graphiql:';
const PERSIST_HEADERS = `${PREFIX}shouldPersistHeaders`;
const HEADERS = `${PREFIX}headers`;
const TABS = `${PREFIX}tabState`;
const WITH_HEADERS = [HEADERS, TABS, `${PREFIX}queries`, `${PREFIX}favorites`];

// GraphiQL stores its tabs half a second after their last change. What it still stores then is older than the clearing.
const PENDING_MS = 1000;

const latest = new Map(); // key → value as GraphiQL has stored it, on this visit

let clearedAt = -Infinity; // by performance.now()

export const storage = {
  getItem: (key) => localStorage.getItem(key),
  setItem(key, value) {
    if (key === TABS && performance.now() < clearedAt + PENDING_MS) return;
    latest.set(key, value);
    store(key);
    if (key === PERSIST_HEADERS) WITH_HEADERS.forEach(store);
  },
  removeItem(key) {
    latest.delete(key);
    localStorage.removeItem(key);
  },
  clear() {
    keys().forEach(storage.removeItem);
    clearedAt = performance.now();
  },
  get length() {
    return keys().length;
  },
};

/** Whether the user has switched "Persist headers" on. */
export function persistsHeaders() {
  return localStorage.getItem(PERSIST_HEADERS) === 'true';
}

function store(key) {
  const value = latest.get(key) ?? localStorage.getItem(key);
  if (value === null) return;
  const isStorable = persistsHeaders() || !WITH_HEADERS.includes(key);
  localStorage.setItem(key, isStorable ? value : withoutHeaders(key, value));
}

function withoutHeaders(key, value) {
  if (key === HEADERS) return '';
  const none = key === TABS ? null : undefined; // as GraphiQL represents them there
  return JSON.stringify(JSON.parse(value), (name, member) => (name === 'headers' ? none : member));
}

function keys() {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
}
