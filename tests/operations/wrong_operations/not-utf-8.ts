export const name = "Zürich", query = gql`{ site { version } }`;
