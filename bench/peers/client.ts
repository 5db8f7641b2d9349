import { createClient } from "redis";

export type Client = ReturnType<typeof newClient>;

export async function connectedClient(url: string): Promise<Client> {
  const client = newClient(url);
  await client.connect();
  return client;
}

function newClient(url: string) {
  return createClient({ url }).on("error", (error: Error) => console.error(error.message));
}
