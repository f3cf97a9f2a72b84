import { ApolloProvider } from '@apollo/client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { createClient } from './apollo/client';
import { App } from './app';
import { readSettings } from './settings';
import './styles/base.css';
import './styles/layout.css';
import './styles/cards.css';
import './styles/article.css';
import './styles/lists.css';

const root = document.getElementById('reader');
if (!root) throw new Error('The page has no element with the id "reader".');
const settings = readSettings(root);

createRoot(root).render(
  <StrictMode>
    <ApolloProvider client={createClient(settings.endpoint)}>
      <Router base={settings.base}>
        <App explorer={settings.explorer} />
      </Router>
    </ApolloProvider>
  </StrictMode>,
);
