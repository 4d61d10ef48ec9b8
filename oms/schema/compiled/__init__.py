"""Plans for operations that are repeated: executed without graphql-core, with the same results to the letter.

For every execution, Strawberry and graphql-core look up again which fields are selected, what they are called in
Python, which arguments they take and how their values are written. All of that is the same each time, so a plan holds
it: `plan` makes one from an operation, `execution` executes it.

Not everything has a plan (`Uncompiled`): Strawberry executes introspection, subscriptions, directives, and those of its
own features that no schema here uses. This is decided before anything is executed.

The package imports nothing else of this product. It needs a Strawberry schema, and gets its limits as arguments.
"""
