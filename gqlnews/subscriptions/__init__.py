"""Changes of the store to the clients that subscribe to them."""
