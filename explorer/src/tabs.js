/**
 * GraphiQL keeps its tabs in the browser's storage. Before it starts, this puts right what is there:
 *
 *   1. A tab that is still an example, word for word, follows the content: where the server now serves
 *      other articles, it gets the example's new query and variables.
 *   2. GraphiQL fills its editors from keys of their own, which lack the variables of a tab that was
 *      opened but never edited: they are set from the tab that will be open.
 */
const TABS = 'graphiql:tabState';
const QUERY = 'graphiql:query';
const VARIABLES = 'graphiql:variables';
const SEEN = 'gqlnews:examples';

export function prepareTabs(examples, storage = localStorage) {
  const renew = renewer(read(storage, SEEN) ?? [], examples);
  storage.setItem(SEEN, JSON.stringify(examples));

  const kept = read(storage, TABS);
  const tabs = kept?.tabs?.map(renew) ?? [];
  if (tabs.length) storage.setItem(TABS, JSON.stringify({ ...kept, tabs }));

  const open = tabs[kept?.activeTabIndex] ?? tabs[0] ?? examples[0];
  storage.setItem(QUERY, open?.query ?? '');
  storage.setItem(VARIABLES, open?.variables ?? '');
}

/** From a tab as it was kept to the tab as it should be, by the examples of the last visit and of this one. */
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
