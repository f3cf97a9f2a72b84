"""Requests per second of gqlnews, compared with the limit, an ordinary server, and its peers."""
