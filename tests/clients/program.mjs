// Runs a client as a program: `node program.mjs CLIENT URL [TOKEN]`. It reads commands from standard input and writes
// events to standard output, each a line of JSON:
//   {"watch": where}      {"watching": version}, then {"change": …} for each, or {"refused": [codes]}
//   {"try": subscription} {"refused": [codes]}
//   {"ask": query}        {"answer": data}
//   {"stop": true}        nothing

import { createInterface } from 'node:readline';

const CHANGES = `
  subscription Changes($where: ArticleFilter, $since: String) {
    articleChanged(where: $where, since: $since) { kind slug version article { id title } }
  }`;

const [name, url, token] = process.argv.slice(2);
const { connect } = await import(`./${name}.mjs`);
const client = connect(url, token);

// Subscribes from the version just queried, so that no change in between is missed.
async function follow(where) {
  const { data } = await client.query('query Version { site { version } }');
  const stop = client.subscribe(CHANGES, { where, since: data.site.version }, sink);
  tell({ watching: data.site.version });
  return stop;
}

const sink = {
  next: (result) =>
    result.data?.articleChanged ? tell({ change: result.data.articleChanged }) : fail(result.error ?? result),
  error: fail,
  complete() {},
};

// GraphQL errors are a list, which each client passes in a different place; any other error is a connection error.
function fail(error) {
  const errors = [error, error.errors, error.graphQLErrors].find(Array.isArray) ?? [];
  const lost = error.networkError ?? error;
  if (errors.length) tell({ refused: errors.map(({ extensions }) => extensions.code) });
  else tell({ lost: lost.message || `${lost.code} ${lost.reason}` });
}

function tell(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

let stop;
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if ('watch' in command) stop = await follow(command.watch);
  else if ('try' in command) stop = client.subscribe(command.try, {}, sink);
  else if ('ask' in command) tell({ answer: (await client.query(command.ask)).data });
  else stop();
}
process.exit();
