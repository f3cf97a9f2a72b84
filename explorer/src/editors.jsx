import { isMacOs, KeyCode, KeyMod, pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useRef } from 'react';

/** News has typographic quotes and letters of all languages: none is marked as a possible mistake. */
const UNICODE_HIGHLIGHT = { ambiguousCharacters: false, invisibleCharacters: false, nonBasicASCII: false };

/** Sets up the editors and tabs beyond what GraphiQL has settings for; renders nothing. */
export function EditorSetup({ operationName }) {
  useUnicodeHighlight();
  useActiveTabInView();
  useShortcuts();
  useOperation(operationName);
  return null;
}

function useUnicodeHighlight() {
  const editors = useGraphiQL(pick('queryEditor', 'variableEditor', 'headerEditor', 'responseEditor'));
  const list = Object.values(editors);
  useEffect(() => {
    for (const editor of list) editor?.updateOptions({ unicodeHighlight: UNICODE_HIGHLIGHT });
  }, list);
}

function useActiveTabInView() {
  const { activeTabIndex, tabs } = useGraphiQL(pick('activeTabIndex', 'tabs'));
  useEffect(() => {
    const tab = document.getElementById(`graphiql-session-tab-${activeTabIndex}`)?.parentElement;
    tab?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [activeTabIndex, tabs.length]);
}

/** GraphiQL binds its Shift-Ctrl shortcuts to Ctrl on a Mac only; elsewhere Monaco takes that key for the Windows key. */
function useShortcuts() {
  const { queryEditor, variableEditor, headerEditor } = useGraphiQL(
    pick('queryEditor', 'variableEditor', 'headerEditor'),
  );
  const { prettifyEditors, mergeQuery, copyQuery } = useGraphiQLActions();
  useEffect(() => {
    if (isMacOs) return undefined;
    const actions = [
      { id: 'explorer-prettify', label: 'Prettify', key: KeyCode.KeyP, run: prettifyEditors },
      { id: 'explorer-merge', label: 'Merge fragments', key: KeyCode.KeyM, run: mergeQuery },
      { id: 'explorer-copy', label: 'Copy query', key: KeyCode.KeyC, run: copyQuery },
    ];
    const added = [queryEditor, variableEditor, headerEditor].filter(Boolean).flatMap((editor) =>
      actions.map(({ key, ...action }) =>
        editor.addAction({ ...action, keybindings: [KeyMod.CtrlCmd | KeyMod.Shift | key] }),
      ),
    );
    return () => added.forEach((action) => action.dispose());
  }, [queryEditor, variableEditor, headerEditor]);
}

/** Select the operation that a link names, once it is known where it is. */
function useOperation(name) {
  const wanted = useRef(name);
  const { queryEditor, operations } = useGraphiQL(pick('queryEditor', 'operations'));
  const { setOperationName } = useGraphiQLActions();
  useEffect(() => {
    const operation = wanted.current && operations?.find((one) => one.name?.value === wanted.current);
    if (!operation) return;
    wanted.current = null;
    setOperationName(operation.name.value);
    const position = queryEditor.getModel().getPositionAt(operation.loc.start);
    queryEditor.setPosition(position);
    queryEditor.revealPositionInCenterIfOutsideViewport(position);
  }, [operations]);
}
