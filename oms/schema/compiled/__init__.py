"""Operations that came before, executed by a plan of their own instead of by graphql-core.

Strawberry and graphql-core look every operation up in the schema again each time that it is executed: which fields are
selected, what each is called in Python, which arguments it takes, how its value is written. All of that is the same
each time, so it is worked out once, kept with the document, and only the rest is done again: `plan` makes one,
`execution` carries it out.

What this leaves to Strawberry (`Uncompiled`): introspection, subscriptions, directives, and whatever of its features
this schema does not use. Which way an operation goes is settled before anything is executed. Both ways answer the same
to the letter, errors included: tests/schema/test_compiled.py asks both.
"""
