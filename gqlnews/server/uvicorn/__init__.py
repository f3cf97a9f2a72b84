"""Uvicorn's protocols, with the limits that the open internet needs."""
