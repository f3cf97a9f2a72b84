"""The GraphQL documents of a front end: find them in its source files, and check them as the server would."""
