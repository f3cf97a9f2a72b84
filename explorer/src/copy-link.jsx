import { pick, ToolbarButton, useGraphiQL } from '@graphiql/react';
import { useEffect, useState } from 'react';
import { linkTo } from './link.js';

const MESSAGE_MS = 4000;

/** A toolbar button that copies a link to the query and its variables, without the headers. */
export function CopyLinkButton() {
  const { queryEditor, variableEditor, operations, operationName } = useGraphiQL(
    pick('queryEditor', 'variableEditor', 'operations', 'operationName'),
  );
  const [message, setMessage] = useState('');

  useEffect(() => {
    const timer = setTimeout(() => setMessage(''), MESSAGE_MS);
    return () => clearTimeout(timer);
  }, [message]);

  async function copy() {
    try {
      const name = operations?.length > 1 ? operationName : undefined;
      await navigator.clipboard.writeText(linkTo(queryEditor.getValue(), variableEditor.getValue(), name));
      setMessage('Link copied. It contains the query and its variables, but no headers.');
    } catch (error) {
      setMessage(`No link copied. ${error.message}`);
    }
  }

  return (
    <>
      <ToolbarButton label="Copy link to this query" onClick={copy}>
        <svg className="graphiql-toolbar-icon" viewBox="1.5 1.5 21 21" fill="none" stroke="currentColor" aria-hidden="true">
          <path strokeWidth="1.3" d="M9 8H7a4 4 0 0 0 0 8h2 M15 8h2a4 4 0 0 1 0 8h-2 M8 12h8" />
        </svg>
      </ToolbarButton>
      <div role="status" className="explorer-message">
        {message}
      </div>
    </>
  );
}
