import { graphql } from "relay-runtime";

export const query = graphql`
  query TooManyQuery($cursor: String) { ...TooMany_query @arguments(count: 500, cursor: $cursor) }
`;
export const fragment = graphql`
  fragment TooMany_query on Query @argumentDefinitions(count: { type: "Int" }, cursor: { type: "String" }) {
    articles(first: $count, after: $cursor) @connection(key: "TooMany_articles") { edges { node { title } } }
  }
`;
