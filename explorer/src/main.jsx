import './workers.js';
import 'graphiql/style.css';
import './explorer.css';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { examplesPlugin } from './examples.jsx';
import { createFetcher } from './fetcher.js';
import { restoreTabs } from './tabs.js';

const root = document.getElementById('explorer');
const fetcher = createFetcher(root.dataset.endpoint);
const examples = JSON.parse(root.dataset.examples);
const plugins = [examplesPlugin(examples), HISTORY_PLUGIN];

// GraphiQL opens its first default tab without that tab's variables, so they are given apart, and only
// on a first visit: later they would put an extra tab beside those that the browser kept.
const initialVariables = restoreTabs(examples) ? undefined : examples[0]?.variables;

createRoot(root).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    defaultTabs={examples.length ? examples : undefined}
    initialVariables={initialVariables}
    defaultEditorToolsVisibility="variables"
    inputValueDeprecation
  >
    <GraphiQL.Logo>gqlnews</GraphiQL.Logo>
  </GraphiQL>,
);
