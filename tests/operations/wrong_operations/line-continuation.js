export const query = gql("query Continued { \
  site { \
    vers } }");
