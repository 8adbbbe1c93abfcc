import { equal } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allow, clear, type Declaration, type MemoryStore } from 'multi-agent-memory';
import { library as direct, type Library } from '../worlds/library';
import type { Case } from './cases';
import { Commands } from './commands';
import { compareWithCedar, decisionsOf } from './decisions';
import type { Distribution } from './distribution';
import { compareExplanation } from './explanations';
import type { Bound } from './governing';
import { compareReads } from './reads';
import { Reference, type Who } from './reference';
import { tags } from './vocabulary';
import { World } from './world';

/** The number of calls to the store, and the number of requests to Cedar. */
export interface Played {
  calls: number;
  cedarRequests: number;
}

const openToAll: readonly Declaration[] = [
  allow('everyone', 'administrator', []),
  ...tags.map((tag) => clear('everyone', tag, [])),
];

/**
 * Plays one case against a store. Compares everything with the reference evaluator, and the decisions also with Cedar.
 *
 * @throws an AssertionError at the first difference
 */
export async function play(
  given: Case,
  distribution: Distribution,
  kind = Reference,
  worldKind = World,
  library: Library = direct,
): Promise<Played> {
  const world = new worldKind(new Reference([]));
  const run = given.atOpen ? inFolder : inMemory;
  return run(given, world, kind, distribution, library);
}

async function inMemory(
  given: Case,
  world: World,
  kind: typeof Reference,
  distribution: Distribution,
  library: Library,
): Promise<Played> {
  const store = await library.inMemory({});
  try {
    const commands = new Commands(store, world);
    for (const each of openToAll) await commands.declare('root', undefined, each);
    for (const seed of given.memories) await commands.seed(seed);
    for (const each of openToAll) await commands.end('root', undefined, each);
    for (const each of given.policy) await commands.declare('root', undefined, each);
    world.reference = new kind(world.reference.declarations);
    return await underPolicy(given, store, world, commands, distribution);
  } finally {
    await store.close();
  }
}

/** Opens a folder twice. The second `open` passes the policy, which must replace the declarations of the first. */
async function inFolder(
  given: Case,
  world: World,
  kind: typeof Reference,
  distribution: Distribution,
  library: Library,
): Promise<Played> {
  const folder = await mkdtemp(join(tmpdir(), 'policies-'));
  const store = await library.open(folder, { access: openToAll });
  try {
    const commands = new Commands(store, world);
    world.reference = new Reference(openToAll);
    for (const seed of given.memories) await commands.seed(seed);
    const later = await library.open(folder, { access: given.policy });
    await later.close();
    world.reference = new kind(given.policy);
    world.given = given.policy;
    return await underPolicy(given, store, world, commands, distribution);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}

async function underPolicy(
  given: Case,
  store: MemoryStore,
  world: World,
  commands: Commands,
  distribution: Distribution,
): Promise<Played> {
  const there = world.memories.filter(({ state }) => state !== 'forgotten').map(({ labels }) => labels);
  const decisions = decisionsOf(given.readers, there);
  distribution.add(world.reference, decisions);
  const cedarRequests = compareWithCedar(world.reference, decisions);
  for (const [i, decision] of decisions.entries()) {
    if (i % 2 === 1) continue;
    const who = (i % 3 === 0 ? given.readers.find((reader) => reader !== decision.who) : undefined) ?? 'root';
    await compareExplanation({ handle: commands.handle(who, undefined), who, bound: undefined, world }, decision);
  }
  let calls = decisions.length / 2;
  for (const [i, who] of given.readers.entries()) {
    const bound = i === 0 ? given.bound : undefined;
    calls += await look(commands, world, who, bound);
  }
  for (const step of given.steps) await commands.step(step);
  for (const who of [...given.readers, 'root' as const]) {
    calls += await look(commands, world, who, undefined);
  }
  const { recheckRejected } = await store.stats();
  equal(recheckRejected, 0, 'records that only the second check stopped');
  for (const [answer, count] of commands.answers) distribution.heard(answer, count);
  return { calls, cedarRequests };
}

async function look(commands: Commands, world: World, who: Who, bound: Bound): Promise<number> {
  try {
    return await compareReads({ handle: commands.handle(who, bound), who, bound, world });
  } catch (error) {
    if (error instanceof Error) error.message = `${JSON.stringify({ who, bound })} looks: ${error.message}`;
    throw error;
  }
}
