"""What the shop does, one folder a concept: model and decide are pure rules, store is SQL, handle is a use case."""
