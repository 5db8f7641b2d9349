// What goes wrong, as the plan says, and how it ends.

import type { Wire } from "./wire.ts";
import type { Participant } from "./participant.ts";
import type { Action } from "./plan.ts";
import type { World } from "./world.ts";

type Fault = Extract<
  Action,
  {
    type:
      | "weather"
      | "restart-server"
      | "fail-over"
      | "evict"
      | "crash"
      | "freeze"
      | "stall-wire"
      | "break-wire";
  }
>;

/** A subscriber is back after the server by so much, at most. */
const LATEST_BACK_MS = 400;

export function hinder(world: World, fault: Fault): void {
  switch (fault.type) {
    case "weather":
      world.hindrance.begin();
      world.weather = fault.weather;
      return world.until(fault.forMs, () => {
        world.hindrance.end();
        if (world.weather === fault.weather) world.weather = undefined;
      });
    case "restart-server":
      world.hindrance.begin();
      if (world.backend.goDown(fault)) world.losses.wipedAt = world.now;
      for (const [number, participant] of world.participants.entries()) {
        breakWires(world, participant, { which: "publisher", forMs: fault.forMs });
        breakWires(world, participant, {
          which: "subscriber",
          forMs: fault.forMs + backAfterMs(number, fault),
        });
      }
      return world.until(fault.forMs, () => {
        world.hindrance.end();
        world.backend.comeBack();
      });
    case "fail-over":
      return failOver(world, fault);
    case "evict":
      world.hindrance.begin();
      world.backend.evict?.(`s${fault.stream}`, fault.part);
      world.losses.evictions.push({ streamId: `s${fault.stream}`, at: world.now });
      return world.hindrance.end();
    case "crash":
    case "freeze":
    case "stall-wire":
    case "break-wire": {
      const participant = world.participants[fault.process];
      if (participant) hinderOne(world, participant, fault);
    }
  }
}

function failOver(world: World, { forMs, lagMs, skewMs }: Extract<Fault, { type: "fail-over" }>): void {
  const copiedAt = world.now;
  const takeOver = world.backend.fallBehind?.();
  if (!takeOver) return;
  world.until(lagMs, () => {
    world.hindrance.begin();
    for (const participant of world.participants) breakWires(world, participant, { which: "both", forMs });
    world.until(forMs, () => {
      world.hindrance.end();
      takeOver({ skewMs });
      world.losses.failOvers.push({ copiedAt, at: world.now });
    });
  });
}

function hinderOne(
  world: World,
  participant: Participant,
  fault: Extract<Fault, { type: "crash" | "freeze" | "stall-wire" | "break-wire" }>,
): void {
  const { connection, machine } = participant;
  switch (fault.type) {
    case "crash":
      machine.crash();
      connection.publisher.break();
      connection.subscriber.break();
      world.participants[fault.process] = world.boot();
      return;
    case "freeze":
      machine.freeze();
      return world.until(fault.forMs, () => machine.thaw());
    case "stall-wire": {
      const wires = chosen(participant, fault.which);
      machine.hindrance.begin();
      for (const wire of wires) wire.stall();
      return world.until(fault.forMs, () => {
        machine.hindrance.end();
        for (const wire of wires) wire.resume();
      });
    }
    case "break-wire":
      return breakWires(world, participant, fault);
  }
}

function breakWires(
  world: World,
  participant: Participant,
  { forMs, which }: { which: "publisher" | "subscriber" | "both"; forMs: number },
): void {
  const { machine } = participant;
  const wires = chosen(participant, which);
  machine.hindrance.begin();
  for (const wire of wires) wire.break();
  world.until(forMs, () => {
    machine.hindrance.end();
    if (machine.state !== "dead") for (const wire of wires) wire.restore();
  });
}

/** Clients try again each in its own time. */
function backAfterMs(number: number, { at }: { at: number }): number {
  return ((number + 1) * at) % LATEST_BACK_MS;
}

function chosen({ connection }: Participant, which: "publisher" | "subscriber" | "both"): Wire[] {
  return [
    ...(which === "subscriber" ? [] : [connection.publisher]),
    ...(which === "publisher" ? [] : [connection.subscriber]),
  ];
}
