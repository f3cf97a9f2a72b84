import { graphql } from "../gql";

const WrongType = graphql(/* GraphQL */ `
  query WrongType {
    articles(first: "five") { totalCount }
  }
`);

export function Page<T,>(props: { items: T[] }) {
  return <ul>{props.items.map((item) => <li title={`gql ${item}`}>{String(item)}</li>)}</ul>;
}
