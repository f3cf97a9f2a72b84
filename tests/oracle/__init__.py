"""What gqlnews should answer, worked out a second time.

Plain Python over the content files and plain resolvers under graphql-core, written from the contract and
without a look at the program: the generated queries of the tests compare the two.
"""
