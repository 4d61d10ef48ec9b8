"""The GraphQL schema: one module per concept, whose resolvers translate and never decide."""
