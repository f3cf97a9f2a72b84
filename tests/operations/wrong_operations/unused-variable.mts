import { gql } from "urql";
export const query: string = gql("query UnusedVariable($unused: Int) { site { version } }");
