import { useQuery, gql } from "@apollo/client";
export const NoSelection = () => <b>{useQuery(gql`query NoSelection { site { version } articles }`).data}</b>;
