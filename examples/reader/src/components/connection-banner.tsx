/** Message that the server cannot be reached. It overlays the page, so that nothing moves. */

import { connection } from '../apollo/connection';
import { useStore } from '../store';

export function ConnectionBanner() {
  const isOffline = useStore(connection) === 'offline';
  return (
    <div role="status">
      {isOffline && <p className="connection-banner">The server cannot be reached. Trying again…</p>}
    </div>
  );
}
