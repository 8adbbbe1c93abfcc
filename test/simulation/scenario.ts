import type { ConfigurationChange, SingleChange } from '../../src/raft/core/configuration-change';
import { Random } from '../faults/random';

/** In a fault: the node that leads when it happens. A leader in trouble is what consensus is about. */
export const presentLeader = 0;

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
  | {
      readonly kind: 'slow-machine';
      readonly nodes: readonly number[];
      readonly applyMs: number;
      readonly forMs: number;
    }
  /** Each new leader crashes soon after its election, and comes back after a while. Nobody hears half of them. */
  | { readonly kind: 'brief-leaders'; readonly lifeMs: number; readonly downMs: number; readonly forMs: number }
  /** The clock of a node runs at another rate from now on. */
  | { readonly kind: 'skew'; readonly node: number; readonly rate: number }
  | { readonly kind: 'change'; readonly change: ConfigurationChange }
  | { readonly kind: 'transfer'; readonly node: number }
  | { readonly kind: 'campaign'; readonly node: number }
  | { readonly kind: 'snapshot'; readonly node: number; readonly margin: number }
  | { readonly kind: 'checkpoint'; readonly node: number }
  /** A bit flips on a disk. Who notices stops for ever, and another node takes its place. */
  | { readonly kind: 'damage'; readonly node: number; readonly part: 'entry' | 'hard-state' }
  /** What others send to a node arrives later, in its order. */
  | { readonly kind: 'slow-way'; readonly node: number; readonly delayMs: number; readonly forMs: number }
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
  /** How long a read lease lasts, and how far its holder may lag behind. */
  readonly leaseMs: number;
  readonly maxLagMs: number;
  /** How fast the clocks run by which leases are counted: within 1 % of each other. */
  readonly clockRates: readonly number[];
  readonly faults: readonly Fault[];
}

/** The scenario of a seed. */
export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed, 6);
  const ranking = random.chance(0.5) ? [1.0045, 0.9955] : [0.9955, 1.0045];
  const scenario = withoutSpecials(seed, {
    leaseMs: random.pick([400, 1_000, 2_000]),
    maxLagMs: random.pick([200, 600]),
    clockRates: random.pick([ranking, [...ranking, 1], [1, 1.0001, 0.9999]]),
  });
  const dice = random.share();
  if (dice < 0.12) return withDamage(scenario, random);
  if (dice < 0.18) return lateAnswersOf(scenario, random);
  if (dice < 0.23) return outdatedMemberOf(scenario, random);
  if (dice < 0.27) return companyOf(scenario, random);
  if (dice < 0.29) return restlessOf(scenario, random);
  return scenario;
}

function sorted(faults: readonly Fault[]): readonly Fault[] {
  return [...faults].sort((a, b) => a.atMs - b.atMs);
}

// The members change only where a damaged node is replaced: otherwise too many of them could be lost.
function withDamage(scenario: Scenario, random: Random): Scenario {
  const { voters, durationMs, faults } = scenario;
  const damaged = random.sample(voters, random.whole(1, (voters.length - 1) >> 1));
  const damages = damaged.flatMap((node): readonly Fault[] => {
    const atMs = random.whole(600, durationMs - 1_000);
    const part = random.pick(['entry', 'entry', 'hard-state'] as const);
    // A running node reads little of its disk.
    return [
      { atMs, kind: 'damage', node, part },
      { atMs: atMs + random.whole(50, 600), kind: 'crash', nodes: [node], forMs: random.pick([50, 600]) },
    ];
  });
  return { ...scenario, faults: sorted([...faults.filter(({ kind }) => kind !== 'change'), ...damages]) };
}

const calm = { loss: 0, late: 0, duplicates: 0, disorder: 0, syncMs: 1, applyMs: 1 };

// A leader with a slow clock is heard by nobody, and hears late what the others said: answers to a round of reads from before it was replaced
// arrive while it asks in the next one.
function lateAnswersOf(scenario: Scenario, random: Random): Scenario {
  const { electionTicks, tickMs, durationMs } = scenario;
  const electionMs = electionTicks * tickMs;
  const readEveryMs = electionMs * random.pick([1, 1.5, 2]);
  const forMs = 4 * electionMs;
  const once = (fromMs: number): readonly Fault[] => {
    const atMs = fromMs + random.whole(0, 100);
    const delayMs = Math.round(electionMs * (1.5 + random.share() * 1.5));
    const cutMs = atMs + random.whole(5, 150);
    return [
      { atMs: atMs - 1, kind: 'skew', node: presentLeader, rate: 2 },
      { atMs, kind: 'slow-way', node: presentLeader, delayMs, forMs },
      { atMs: cutMs, kind: 'cut', nodes: [presentLeader], direction: 'from', forMs },
      ...[1, 2, 3].map((node): Fault => ({ atMs: cutMs + forMs + delayMs, kind: 'skew', node, rate: 1 })),
    ];
  };
  const starts: number[] = [];
  for (let atMs = 1_000; atMs < durationMs - 1_000; atMs += forMs + 6 * electionMs) starts.push(atMs);
  const few = { voters: [1, 2, 3], spares: [], readEveryMs, commandEveryMs: 60, delayMs: 5 };
  return { ...scenario, ...calm, ...few, faults: sorted(starts.flatMap(once)) };
}

// A leader with a slow clock, alone or with one more node, is cut off from a majority, which elects another leader. The two still talk to each
// other, and the leader notices late that it hears from no majority. Often it has just taken over the office.
function companyOf(scenario: Scenario, random: Random): Scenario {
  const { electionTicks, tickMs, durationMs, leaseMs } = scenario;
  const electionMs = electionTicks * tickMs;
  const voters = random.chance(0.5) ? [1, 2, 3] : [1, 2, 3, 4, 5];
  const forMs = leaseMs + 5 * electionMs;
  const faults: Fault[] = [];
  for (let atMs = 1_000; atMs < durationMs - 1_000; atMs += forMs + 5 * electionMs) {
    faults.push({ atMs: atMs - random.whole(60, 300), kind: 'transfer', node: random.pick(voters) });
    faults.push({ atMs, kind: 'skew', node: presentLeader, rate: 2 });
    // Of three nodes, two would be a majority.
    const company = voters.length === 5 ? [random.pick(voters)] : [];
    faults.push({ atMs: atMs + 1, kind: 'cut', nodes: [presentLeader, ...company], direction: 'both', forMs });
    faults.push(...voters.map((node): Fault => ({ atMs: atMs + forMs, kind: 'skew', node, rate: 1 })));
  }
  const slow = random.chance(0.5) ? { applyMs: 60, syncMs: 60, asynchronousStorage: true } : {};
  return { ...scenario, ...calm, ...slow, commandEveryMs: 60, voters, spares: [], faults: sorted(faults) };
}

// A node starts again and again, and hears late from the others: what they answer to one start arrives at the next.
function restlessOf(scenario: Scenario, random: Random): Scenario {
  const voters = [1, 2, 3];
  const node = random.pick(voters);
  const faults: Fault[] = [{ atMs: 900, kind: 'slow-way', node, delayMs: 150, forMs: scenario.durationMs }];
  for (let atMs = 1_000; atMs < scenario.durationMs; atMs += random.whole(200, 300))
    faults.push({ atMs, kind: 'crash', nodes: [node], forMs: 10 });
  return { ...scenario, ...calm, delayMs: 5, readEveryMs: 40, commandEveryMs: 60, voters, spares: [], faults };
}

// A voter is away while all other voters are replaced, and hears of it by a snapshot. Then it is left alone with the voters from before:
// by their votes it must not win.
function outdatedMemberOf(scenario: Scenario, random: Random): Scenario {
  const { durationMs } = scenario;
  const [voters, spares, all] = [
    [1, 2, 3],
    [4, 5],
    [1, 2, 3, 4, 5],
  ];
  const away = random.pick(voters);
  const stayed = voters.filter((node) => node !== away);
  const atMs = random.whole(900, durationMs - 3_500);
  const backMs = atMs + random.whole(700, 1_200);
  const cutMs = backMs + random.whole(60, 400);
  const everywhere = (at: number, fault: (node: number) => Fault) => all.map((node) => ({ ...fault(node), atMs: at }));
  const faults: readonly Fault[] = [
    { atMs, kind: 'cut', nodes: [away], direction: 'both', forMs: backMs - atMs },
    { atMs: atMs + 30, kind: 'change', change: replacedBy([away, ...spares], all, random) },
    ...everywhere(backMs - 60, (node) => ({ atMs, kind: 'checkpoint', node })),
    ...everywhere(backMs - 50, (node) => ({ atMs, kind: 'snapshot', node, margin: 0 })),
    { atMs: cutMs, kind: 'cut', nodes: [away, ...stayed], direction: 'both', forMs: 2_500 },
  ];
  return { ...scenario, ...calm, delayMs: 2, voters, spares, faults: sorted(faults) };
}

type Leasing = Pick<Scenario, 'leaseMs' | 'maxLagMs' | 'clockRates'>;

function withoutSpecials(seed: number, leasing: Leasing): Scenario {
  const random = new Random(seed, 1);
  const count = random.pick([3, 3, 4, 5]);
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
    maxMessageBytes: random.pick([60, 60, 120, 400, 4_000]),
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
    ...leasing,
  };
  if (random.chance(0.12)) return duelOf(frame, random);
  const moments = Array.from({ length: random.whole(3, 20) }, () => random.whole(400, durationMs - 200));
  // What happens at the same time is worse than what happens one after the other.
  for (let bursts = random.whole(0, 4); bursts > 0; bursts -= 1) {
    const [from, withinMs] = [random.whole(400, durationMs - 700), random.pick([20, 100, 500])];
    for (let count = random.whole(2, 5); count > 0; count -= 1) moments.push(from + random.whole(0, withinMs));
  }
  const faults = moments.map((atMs) => faultOf(frame, atMs, random));
  const takeovers = Array.from({ length: random.pick([0, 0, 1, 2]) }, () => takeoverOf(frame, random));
  return { ...frame, faults: [...faults, ...takeovers.flat()].sort((a, b) => a.atMs - b.atMs) };
}

// Three nodes whose leaders never live long: a leader then finds entries of several terms, of which some are on one node only.
function duelOf(frame: Frame, random: Random): Scenario {
  const electionTicks = 5;
  const delayMs = random.pick([10, 20]);
  const lifeMs = delayMs * random.whole(4, 8);
  const downMs = frame.tickMs * electionTicks * random.pick([2, 2.5, 3]);
  const calm = { loss: 0, duplicates: 0, late: 0, disorder: 0, delayMs, syncMs: 1 };
  const fault = { atMs: 600, kind: 'brief-leaders', lifeMs, downMs, forMs: frame.durationMs } as const;
  return { ...frame, ...calm, voters: [1, 2, 3], spares: [], electionTicks, maxMessageBytes: 60, faults: [fault] };
}

type Frame = Omit<Scenario, 'faults'>;

function faultOf(
  { voters, spares, electionTicks, tickMs, delayMs, syncMs }: Frame,
  atMs: number,
  random: Random,
): Fault {
  const all = [...voters, ...spares];
  const node = random.chance(0.35) ? presentLeader : random.pick(all);
  const forMs = random.pick([50, 200, 600, 1_500, 3_000]);
  const dice = random.whole(0, 99);
  if (dice < 18) return { atMs, kind: 'crash', nodes: [node], forMs };
  if (dice < 22) return { atMs, kind: 'crash', nodes: random.sample(all, random.whole(2, all.length)), forMs };
  if (dice < 29) return { atMs, kind: 'pause', node, forMs };
  if (dice < 47) {
    const some = random.sample(all, random.whole(1, Math.max(1, all.length >> 1)));
    const nodes = random.chance(0.4) ? [node] : some;
    return { atMs, kind: 'cut', nodes, direction: random.pick(['both', 'both', 'from', 'to']), forMs };
  }
  if (dice < 50) return { atMs, kind: 'storm', loss: random.pick([0.2, 0.4, 0.7]), forMs };
  if (dice < 56) return { atMs, kind: 'slow-disk', node, syncMs: random.pick([50, 200, 700]), forMs };
  if (dice < 59) {
    const nodes = random.sample(all, random.whole(1, all.length));
    return { atMs, kind: 'slow-machine', nodes, applyMs: random.pick([50, 300, 1_500]), forMs };
  }
  if (dice < 63) {
    // About as long as a few messages take, and as an election takes: then the next leader is another one.
    const electionMs = electionTicks * tickMs;
    const lifeMs = random.pick([4 * delayMs + syncMs, 8 * delayMs + 2 * syncMs, 50, 300]);
    const downMs = random.pick([200, electionMs * 2, electionMs * 3]);
    return { atMs, kind: 'brief-leaders', lifeMs, downMs, forMs: 10 * electionMs };
  }
  if (dice < 66) return { atMs, kind: 'skew', node, rate: random.pick([0.5, 0.8, 0.95, 1.05, 1.3, 2, 3]) };
  if (dice < 79) return { atMs, kind: 'change', change: changeOf(all, random) };
  if (dice < 84) return { atMs, kind: 'transfer', node: random.pick(all) };
  if (dice < 87) return { atMs, kind: 'campaign', node: random.pick(all) };
  if (dice < 97) return { atMs, kind: 'snapshot', node, margin: random.pick([0, 0, 3, 20]) };
  return { atMs, kind: 'checkpoint', node };
}

function changeOf(all: readonly number[], random: Random): ConfigurationChange {
  if (random.chance(0.3)) return replacementOf(all, random);
  const step = (node: number): SingleChange => ({
    kind: random.pick(['add-voter', 'add-voter', 'add-learner', 'remove'] as const),
    node,
  });
  const changes = random.sample(all, random.pick([0, 1, 1, 1, 2, 3])).map(step);
  if (changes.length === 0) return { transition: 'auto', changes };
  return { transition: random.pick(['auto', 'auto', 'joint-implicit', 'joint-explicit'] as const), changes };
}

// Other voters, whoever votes now: the majorities before and after need not overlap, so all depends on the joint configuration.
function replacementOf(all: readonly number[], random: Random): ConfigurationChange {
  return replacedBy(random.sample(all, random.whole(1, Math.min(3, all.length))), all, random);
}

function replacedBy(voters: readonly number[], all: readonly number[], random: Random): ConfigurationChange {
  const changes = all.map((node): SingleChange => ({ kind: voters.includes(node) ? 'add-voter' : 'remove', node }));
  return { transition: random.pick(['joint-implicit', 'joint-explicit'] as const), changes };
}

// New voters get the leader on their side and lose the others, who may not have applied the change: two sides that could both decide.
function takeoverOf({ voters, spares, durationMs }: Frame, random: Random): readonly Fault[] {
  const all = [...voters, ...spares];
  const chosen = random.sample([...spares, ...voters.slice(-2)], random.whole(1, 3));
  const others = all.filter((node) => !chosen.includes(node));
  const atMs = random.whole(600, durationMs - 400);
  const forMs = random.pick([1_500, 3_000]);
  const cutAtMs = atMs + random.whole(0, random.pick([20, 100, 300]));
  const nodes = [...new Set([presentLeader, ...chosen])];
  return [
    ...(random.chance(0.5)
      ? ([{ atMs: atMs - 20, kind: 'slow-machine', nodes: others, applyMs: 3_000, forMs }] as const)
      : []),
    { atMs, kind: 'change', change: replacedBy(chosen, all, random) },
    { atMs: cutAtMs, kind: 'cut', nodes, direction: 'both', forMs },
  ];
}
