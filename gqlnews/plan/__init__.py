"""Operation to plan to SQL: pure functions on frozen data, no input or output."""
