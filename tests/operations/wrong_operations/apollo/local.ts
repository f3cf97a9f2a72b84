import { gql } from "@apollo/client";
export const query = gql`
  query ApolloLocal($local: Boolean!, $slug: String!) {
    isLoggedIn @client
    theme(dark: $local) @client { color }
    article(slug: $slug) { title isRead @client @nonreactive bookmarked }
  }
`;
