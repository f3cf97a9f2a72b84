export const flag = "🏳️‍🌈", query = gql`query Emoji { site { verzion } }`;
