import { ChevronDownIcon, DropdownMenu, pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useRef } from 'react';
import { shows } from './tabs.js';

const EMPTY = { query: '', variables: '' };

/** A menu of the examples. Each opens in a tab; it replaces an empty tab or an unedited example. */
export function ExamplesMenu({ examples }) {
  const { addTab, changeTab, stop, updateActiveTabValues } = useGraphiQLActions();
  const { queryEditor, variableEditor, responseEditor, tabs, activeTabIndex } = useGraphiQL(
    pick('queryEditor', 'variableEditor', 'responseEditor', 'tabs', 'activeTabIndex'),
  );
  const hasOpened = useRef(false);

  function open({ query, variables }) {
    hasOpened.current = true;
    const opened = tabs.findIndex((tab) => shows(tab, { query, variables }));
    if (opened >= 0) {
      changeTab(opened);
      return;
    }
    stop();
    if (![EMPTY, ...examples].some((replaceable) => shows(tabs[activeTabIndex], replaceable))) addTab();
    queryEditor.setValue(query);
    variableEditor.setValue(variables);
    responseEditor.setValue('');
    updateActiveTabValues({ query, variables, response: null });
  }

  function focusEditor(event) {
    if (!hasOpened.current) return; // closed without a choice: the button gets the focus back
    hasOpened.current = false;
    event.preventDefault();
    queryEditor.focus();
  }

  return (
    <DropdownMenu>
      <DropdownMenu.Button className="explorer-examples-button">
        Examples
        <ChevronDownIcon aria-hidden="true" />
      </DropdownMenu.Button>
      <DropdownMenu.Content align="end" className="explorer-examples" onCloseAutoFocus={focusEditor}>
        {examples.map((example) => (
          <DropdownMenu.Item key={example.name} onSelect={() => open(example)}>
            {example.name}
          </DropdownMenu.Item>
        ))}
      </DropdownMenu.Content>
    </DropdownMenu>
  );
}
