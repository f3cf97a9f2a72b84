export const query = gql`query Escapes { a: search(query: "\u{1F4F0} \\"news\\" \x41\u0042 \`c\` \${d}") { totl } }`;
