"""What clients see: the Strawberry types, each the declaration of where its fields come from."""
