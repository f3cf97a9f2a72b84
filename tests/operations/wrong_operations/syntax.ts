export const query = gql`query SyntaxInTemplate { site { version } `;
