import { graphql, useFragment, usePaginationFragment } from "react-relay";

export const fragment = graphql`
  fragment ArticleList_query on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
  @refetchable(queryName: "ArticleListPaginationQuery") {
    articles(first: $count, after: $cursor) @connection(key: "ArticleList_articles") {
      edges { node { id ...ArticleCard_article @alias(as: "card") } }
    }
  }
`;

export const query = graphql`
  query ArticleListQuery($cursor: Int) @raw_response_type {
    ...ArticleList_query @arguments(count: 500, cursor: $cursor)
  }
`;

export const card = graphql`
  fragment ArticleCard_article on Article @throwOnFieldError {
    title @required(action: LOG)
    heading @catch
  }
`;
