"""Attacks by one client, and what other clients notice of them."""
