import './workers.js';
import 'graphiql/style.css';
import './explorer.css';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { examplesPlugin } from './examples.jsx';
import { createFetcher } from './fetcher.js';
import { prepareTabs } from './tabs.js';

const root = document.getElementById('explorer');
const fetcher = createFetcher(root.dataset.endpoint);
const examples = JSON.parse(root.dataset.examples);
const plugins = [examplesPlugin(examples), HISTORY_PLUGIN];

prepareTabs(examples);
createRoot(root).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    defaultTabs={examples.length ? examples : undefined}
    defaultEditorToolsVisibility="variables"
    shouldPersistHeaders={false} // an editor's token has no place in the browser's storage
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>gqlnews</GraphiQL.Logo>
  </GraphiQL>,
);
