export const query = gql`
  query TooCostly($count: Int!, $full: Boolean!, $few: Int = 2) {
    small: articles(first: $few) { nodes { slug } }
    articles(first: $count) {
      nodes {
        slug
        referencedBy(first: 100) @include(if: $full) { nodes { title image { url } } }
      }
    }
  }
`;
