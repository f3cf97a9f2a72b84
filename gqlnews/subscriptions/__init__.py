"""Subscriptions: deliver the changes of the store to subscribers."""
