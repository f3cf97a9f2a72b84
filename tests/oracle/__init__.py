"""The expected responses of gqlnews, computed independently.

Plain Python over the content files, and plain resolvers under graphql-core, written from the contract
without reading the program. Tests compare both for generated queries.
"""
