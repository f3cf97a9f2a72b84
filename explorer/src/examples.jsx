import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';

/** A panel that lists the examples, so that each is at hand after its tab was closed or changed. */
export function examplesPlugin(examples) {
  return { title: 'Examples', icon: Icon, content: () => <Panel examples={examples} /> };
}

function Panel({ examples }) {
  const { addTab, changeTab } = useGraphiQLActions();
  const { queryEditor, variableEditor, tabs } = useGraphiQL(pick('queryEditor', 'variableEditor', 'tabs'));

  function open({ query, variables }) {
    const opened = tabs.findIndex((tab) => tab.query === query && (tab.variables ?? '') === variables);
    if (opened >= 0) {
      changeTab(opened);
    } else {
      addTab();
      queryEditor.setValue(query);
      variableEditor.setValue(variables);
    }
    queryEditor.focus();
  }

  return (
    <section aria-label="Examples">
      <h2 className="examples-title">Examples</h2>
      <p>Queries about the content that is being served. Each opens in a tab.</p>
      <ul className="examples-list">
        {examples.map((example) => (
          <li key={example.name}>
            <button type="button" onClick={() => open(example)}>
              {example.name}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Icon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M4 5h13v14H6a2 2 0 0 1-2-2z M17 9h3v8a2 2 0 0 1-2 2h-1 M7 9h7 M7 12h7 M7 15h4" />
    </svg>
  );
}
