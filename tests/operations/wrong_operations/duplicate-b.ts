export const a = gql`query SameName { site { ...SameFragment } }`;
export const b = gql`fragment SameFragment on Site { version }`;
