export const query = gql`query InterpolationAsValue { articles(first: ${size}) { totalCount } }`;
