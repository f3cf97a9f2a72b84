/**
 * The browser keeps its tabs between visits. A tab that is still an example, word for word, follows
 * the content: where the server now serves other articles, it gets the example's new variables.
 */
const TABS = 'graphiql:tabState';
const QUERY = 'graphiql:query';
const VARIABLES = 'graphiql:variables';
const SEEN = 'gqlnews:examples';

/** Whether tabs are kept from an earlier visit; those that are still examples are brought up to date. */
export function restoreTabs(examples, storage = localStorage) {
  const renew = renewer(read(storage, SEEN) ?? [], examples);
  storage.setItem(SEEN, JSON.stringify(examples));
  const state = read(storage, TABS);
  if (!state?.tabs?.length) return false;

  storage.setItem(TABS, JSON.stringify({ ...state, tabs: state.tabs.map(renew) }));
  const open = { query: storage.getItem(QUERY), variables: storage.getItem(VARIABLES) };
  const renewed = renew(open);
  if (renewed !== open) {
    storage.setItem(QUERY, renewed.query);
    storage.setItem(VARIABLES, renewed.variables);
  }
  return true;
}

function renewer(seen, examples) {
  return (tab) => {
    const old = seen.find(({ query, variables }) => query === tab.query && variables === (tab.variables ?? ''));
    const now = old && examples.find(({ name }) => name === old.name);
    return now ? { ...tab, query: now.query, variables: now.variables } : tab;
  };
}

function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key));
  } catch {
    return null; // written by something else: as good as absent
  }
}
