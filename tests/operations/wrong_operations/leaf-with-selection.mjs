export const query = /* GraphQL */ `query LeafWithSelection { site { version { number } } }`;
