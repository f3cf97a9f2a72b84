"""The GraphQL schema: Strawberry types that declare where their fields come from, and their execution."""
