export const query = gql`select * from articles`;
