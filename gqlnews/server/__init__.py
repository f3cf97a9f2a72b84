"""The HTTP server: ASGI application, authentication, logging, GraphiQL page."""
