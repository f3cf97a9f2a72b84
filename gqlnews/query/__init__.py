"""Query planner: GraphQL operation to plan to SQL, as pure functions on frozen data, without I/O."""
