"""Attacks by one client, and their effect on other clients."""
