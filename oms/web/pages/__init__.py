"""Pages for people. Each is a client of the API: a GraphQL document beside a template, run in process."""
