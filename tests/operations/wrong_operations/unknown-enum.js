const { gql } = require("graphql-tag");
// gql`query InAComment { nothing }`
module.exports = gql`query UnknownEnum { articles(collapse: TITLES) { totalCount } }`;
