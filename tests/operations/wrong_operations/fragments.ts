export const FIELDS = gql`
  fragment SiteFields on Site {
    version
    articels
  }
`;
// The fragment is used twice, and its mistake is reported once.
export const again = gql`query UsesFragmentAgain { site { ...SiteFields } } ${FIELDS}`;
