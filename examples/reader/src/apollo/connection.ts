/** Whether the server can be reached, as the WebSocket sees it. */

import { Store } from '../store';

export type Connection = 'connecting' | 'online' | 'offline';

export const connection = new Store<Connection>('connecting');

/** Calls `action` each time the server can be reached again. Returns the function that ends that. */
export function onReconnect(action: () => void): () => void {
  return connection.subscribe(() => {
    if (connection.get() === 'online') action();
  });
}
