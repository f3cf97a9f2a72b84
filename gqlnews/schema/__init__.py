"""The GraphQL schema: Strawberry types that declare where the data of each field comes from."""
