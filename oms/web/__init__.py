"""The pages and what browsers need: each page is a client of the GraphQL API."""
