export const query = gql`
  query WindowsLines {
    site {
      vrsion
    }
  }
`;
