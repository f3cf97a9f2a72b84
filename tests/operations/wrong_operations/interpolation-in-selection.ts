const FIELDS = "title slug";
export const query = gql`
  query InterpolationInSelection { articles { nodes { ${FIELDS} } } }
`;
