import { gql } from "@apollo/client";

export const MISSING_ARGUMENT = gql`
  query MissingArgument {
    article { title }
  }
`;
