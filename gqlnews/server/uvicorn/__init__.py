"""Uvicorn's protocols, hardened with limits and timeouts for the public internet."""
