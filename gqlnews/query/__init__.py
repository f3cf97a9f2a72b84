"""Query planner: turn a GraphQL operation into a plan and the plan into SQL, without I/O."""
