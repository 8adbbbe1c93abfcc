import type { ConfigurationChange, SingleChange } from '../../src/raft/core/configuration-change';
import { Random } from '../faults/random';

/** Something that happens to the cluster. */
export type Fault = { readonly atMs: number } & (
  | { readonly kind: 'crash'; readonly nodes: readonly number[]; readonly forMs: number }
  | { readonly kind: 'pause'; readonly node: number; readonly forMs: number }
  /** Nodes are cut off from the others: what they send, what they get, or both is lost. */
  | {
      readonly kind: 'cut';
      readonly nodes: readonly number[];
      readonly direction: 'both' | 'from' | 'to';
      readonly forMs: number;
    }
  | { readonly kind: 'storm'; readonly loss: number; readonly forMs: number }
  | { readonly kind: 'slow-disk'; readonly node: number; readonly syncMs: number; readonly forMs: number }
  | { readonly kind: 'slow-machine'; readonly node: number; readonly applyMs: number; readonly forMs: number }
  /** The clock of a node runs at another rate from now on. */
  | { readonly kind: 'skew'; readonly node: number; readonly rate: number }
  | { readonly kind: 'change'; readonly change: ConfigurationChange }
  | { readonly kind: 'transfer'; readonly node: number }
  | { readonly kind: 'campaign'; readonly node: number }
  | { readonly kind: 'snapshot'; readonly node: number; readonly margin: number }
  | { readonly kind: 'checkpoint'; readonly node: number }
);

/** Everything that makes a course what it is. The same scenario takes the same course. */
export interface Scenario {
  readonly seed: number;
  /** The first members. */
  readonly voters: readonly number[];
  /** Nodes that may become members. */
  readonly spares: readonly number[];
  /** Whether storage and state machine work beside the node, or the node waits for them. */
  readonly asynchronousStorage: boolean;
  /** Whether a node that waits for its disk does nothing else, as one thread with synchronous writes. */
  readonly blocking: boolean;
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly maxMessageBytes: number;
  readonly maxInflightMessages: number;
  readonly loss: number;
  readonly duplicates: number;
  readonly delayMs: number;
  /** The share of messages that take ten times as long or more, and are overtaken by others. */
  readonly late: number;
  /** The share of messages that may overtake others. All others keep their order, as on a connection. */
  readonly disorder: number;
  readonly syncMs: number;
  readonly applyMs: number;
  readonly commandEveryMs: number;
  readonly readEveryMs: number;
  readonly resendMs: number;
  readonly durationMs: number;
  readonly faults: readonly Fault[];
}

/** The scenario of a seed. */
export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed, 1);
  const count = random.whole(3, 5);
  const voters = Array.from({ length: count }, (_, at) => at + 1);
  const spares = Array.from({ length: random.whole(0, 7 - count) }, (_, at) => count + at + 1);
  const durationMs = random.whole(4_000, 9_000);
  const isCalm = random.chance(0.2);
  const frame = {
    seed,
    voters,
    spares,
    asynchronousStorage: random.chance(0.5),
    blocking: random.chance(0.5),
    tickMs: 50,
    electionTicks: random.whole(5, 10),
    heartbeatTicks: random.whole(1, 2),
    maxMessageBytes: random.pick([60, 120, 120, 400, 4_000]),
    maxInflightMessages: random.pick([1, 2, 4, 16, 16, 256]),
    loss: isCalm ? 0 : random.pick([0, 0.01, 0.05, 0.15]),
    duplicates: isCalm ? 0 : random.pick([0, 0.02, 0.1]),
    delayMs: random.pick([2, 5, 20]),
    late: random.pick([0, 0.01, 0.05]),
    disorder: random.pick([0, 0.01, 0.1]),
    syncMs: random.pick([1, 5, 20, 60]),
    applyMs: random.pick([0, 1, 10, 60]),
    commandEveryMs: random.pick([60, 120, 250]),
    readEveryMs: random.pick([80, 200, 400]),
    resendMs: random.pick([300, 600, 1_200]),
    durationMs,
  };
  const faults = Array.from({ length: random.whole(4, 28) }, () => faultOf(frame, random));
  return { ...frame, faults: faults.sort((a, b) => a.atMs - b.atMs) };
}

type Frame = Omit<Scenario, 'faults'>;

function faultOf({ voters, spares, durationMs }: Frame, random: Random): Fault {
  const all = [...voters, ...spares];
  const atMs = random.whole(500, durationMs - 200);
  const node = random.pick(all);
  const forMs = random.pick([50, 200, 600, 1_500, 3_000]);
  const dice = random.whole(0, 99);
  if (dice < 20) return { atMs, kind: 'crash', nodes: [node], forMs };
  if (dice < 24) return { atMs, kind: 'crash', nodes: random.sample(all, random.whole(2, all.length)), forMs };
  if (dice < 32) return { atMs, kind: 'pause', node, forMs };
  if (dice < 48) {
    const nodes = random.sample(all, random.whole(1, Math.max(1, all.length >> 1)));
    return { atMs, kind: 'cut', nodes, direction: random.pick(['both', 'both', 'from', 'to']), forMs };
  }
  if (dice < 52) return { atMs, kind: 'storm', loss: random.pick([0.2, 0.4, 0.7]), forMs };
  if (dice < 58) return { atMs, kind: 'slow-disk', node, syncMs: random.pick([50, 200, 700]), forMs };
  if (dice < 62) return { atMs, kind: 'slow-machine', node, applyMs: random.pick([50, 200, 700]), forMs };
  if (dice < 66) return { atMs, kind: 'skew', node, rate: random.pick([0.5, 0.8, 0.95, 1.05, 1.3, 2]) };
  if (dice < 78) return { atMs, kind: 'change', change: changeOf(all, random) };
  if (dice < 83) return { atMs, kind: 'transfer', node };
  if (dice < 86) return { atMs, kind: 'campaign', node };
  if (dice < 96) return { atMs, kind: 'snapshot', node, margin: random.pick([0, 0, 3, 20]) };
  return { atMs, kind: 'checkpoint', node };
}

function changeOf(all: readonly number[], random: Random): ConfigurationChange {
  const step = (node: number): SingleChange => ({
    kind: random.pick(['add-voter', 'add-voter', 'add-learner', 'remove'] as const),
    node,
  });
  const changes = random.sample(all, random.pick([0, 1, 1, 1, 2, 3])).map(step);
  if (changes.length === 0) return { transition: 'auto', changes };
  return { transition: random.pick(['auto', 'auto', 'joint-implicit', 'joint-explicit'] as const), changes };
}
