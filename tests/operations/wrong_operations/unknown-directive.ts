export const query = gql`query UnknownDirective { site { version @uppercase } }`;
