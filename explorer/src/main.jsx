import './clipboard.js';
import './workers.js';
import 'graphiql/style.css';
import './explorer.css';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { CopyLinkButton } from './copy-link.jsx';
import { EditorSetup } from './editors.jsx';
import { ExamplesMenu } from './examples.jsx';
import { createFetcher } from './fetcher.js';
import { takeLink } from './link.js';
import { persistsHeaders, storage } from './storage.js';
import { tabToOpen } from './tabs.js';

const root = document.getElementById('explorer');
const fetcher = createFetcher(root.dataset.endpoint);
const examples = JSON.parse(root.dataset.examples);
const plugins = [HISTORY_PLUGIN];

const link = takeLink();
const { query, variables, headers } = tabToOpen(examples, link, storage);
createRoot(root).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    storage={storage}
    initialQuery={query}
    initialVariables={variables}
    initialHeaders={headers}
    defaultEditorToolsVisibility="variables"
    shouldPersistHeaders={persistsHeaders()} // off by default, as a header can hold an editor's token
    showPersistHeadersSettings
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>
      <ExamplesMenu examples={examples} />
      <span className="explorer-name">gqlnews</span>
    </GraphiQL.Logo>
    <GraphiQL.Toolbar>
      {({ prettify, merge, copy }) => (
        <>
          {prettify}
          {merge}
          {copy}
          <CopyLinkButton />
        </>
      )}
    </GraphiQL.Toolbar>
    <EditorSetup operationName={link?.operationName} />
  </GraphiQL>,
);
