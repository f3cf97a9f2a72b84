exports.query = /* GraphQL */ 'query UndefinedVariable { article(slug: $slug) { title } }';
