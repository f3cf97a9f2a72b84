/**
 * What GraphiQL opens: the query of a link, the tab that was last open, or else the first example, in one tab.
 *
 * GraphiQL stores its tabs in the browser. A tab that is still an example, word for word, follows the content: where
 * the server now serves other articles, it gets the example's new query and variables.
 */
const TABS = 'graphiql:tabState';
const SEEN = 'graphiql:examples'; // has GraphiQL's prefix, so that "Clear data" removes it too

/** Return `{query, variables, headers}`, the texts of the tab to open, after updating the stored tabs. */
export function tabToOpen(examples, link, storage) {
  const renew = renewer(read(storage, SEEN) ?? [], examples);
  storage.setItem(SEEN, JSON.stringify(examples));

  const stored = read(storage, TABS);
  const tabs = stored?.tabs?.map(renew) ?? [];
  if (tabs.length) storage.setItem(TABS, JSON.stringify({ ...stored, tabs }));

  const { query, variables, headers } = link ?? tabs[stored?.activeTabIndex] ?? tabs[0] ?? examples[0];
  return { query: query ?? '', variables: variables ?? '', headers: headers ?? '' };
}

/** Return whether a tab has exactly this query and these variables. */
export function shows(tab, { query, variables }) {
  return (tab.query ?? '') === query && (tab.variables ?? '') === variables;
}

/** From a stored tab to the tab as it should be, by the examples of the last visit and of this one. */
function renewer(seen, examples) {
  return (tab) => {
    const old = seen.find((example) => shows(tab, example));
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
