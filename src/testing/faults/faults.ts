// What contexts promise while their backend delivers badly, fails, hangs, or loses a process.

import type { FaultyWorld } from "../processes.ts";
import { section, type Section } from "../section.ts";
import { promiseOfCuts } from "./cuts.ts";
import { promiseOfDeaths } from "./deaths.ts";
import { promiseOfDelivery } from "./delivery.ts";
import { promiseOfOutages } from "./outages.ts";

export const faultPromises: Section<FaultyWorld> = section("faults", (promise) => {
  promiseOfDelivery(promise);
  promiseOfDeaths(promise);
  promiseOfCuts(promise);
  promiseOfOutages(promise);
});
