import type { Plant } from "./participant.ts";
import type { Violation } from "./world.ts";

export interface PlantedBug {
  name: string;
  plant: Plant;
  /** The promises it may break; the first one that breaks tells. */
  breaks: ReadonlyArray<Violation["promise"]>;
  /** The seed to begin with, where the first thousands find nothing. @defaultValue 1 */
  from?: number;
}
