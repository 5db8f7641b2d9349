// A database of its own on the shared server, for tests that set tables up, break them or count what is in them.

import { Client } from "pg";

export interface PrivateDatabase extends AsyncDisposable {
  url: string;
  /** Runs SQL, and gives its rows. */
  query: (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;
}

let databases = 0;

export async function createDatabase(serverUrl: string): Promise<PrivateDatabase> {
  databases += 1;
  const name = `test_${process.pid}_${Date.now().toString(36)}_${databases}`;
  await once(serverUrl, `create database ${name}`);
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
  const client = new Client({ connectionString: url });
  await client.connect();
  return {
    url,
    query: async (text, values) => {
      const { rows } = await client.query<Record<string, unknown>>(text, values);
      return rows;
    },
    [Symbol.asyncDispose]: async () => {
      await client.end();
      await once(serverUrl, `drop database ${name} with (force)`);
    },
  };
}

async function once(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
