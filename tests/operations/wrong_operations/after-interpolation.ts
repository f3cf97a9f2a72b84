import { FIELDS } from "./fragments";
export const query = gql`
  ${FIELDS}
  query AfterInterpolation { site { ...SiteFields count } }
`;
