// Makes a plan that breaks a promise smaller, as long as it breaks the same one.

import type { Plant } from "./participant.ts";
import type { Plan } from "./plan.ts";
import { type Outcome, simulate } from "./simulate.ts";

export async function shrink({ plan, violation }: Outcome, plant: Plant = {}): Promise<Plan> {
  let smallest = plan;
  const breaks = async (candidate: Plan): Promise<boolean> => {
    const outcome = await simulate(candidate, { plant });
    return outcome.violation?.promise === violation?.promise;
  };
  for (let index = smallest.actions.length - 1; index >= 0; index--) {
    const actions = smallest.actions.filter((_, each) => each !== index);
    if (await breaks({ ...smallest, actions })) smallest = { ...smallest, actions };
  }
  return smallest;
}
