// The default entry: streams over Redis, with node-redis where no client is given.

export * from "./redis.ts";
