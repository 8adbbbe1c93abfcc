import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { allow, ceiling, type Declaration, group, type Hit, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { honestAnswers, type Poisoned, poisonedQuestions } from './poisoning/attack';
import { mean } from './shared/figures';
import { readLocomo } from './shared/locomo';
import { type Question, samples } from './shared/question';
import { type Goal, type Row, row } from './shared/row';

const namespace = ['team'];
const hitsPerQuestion = 10;
const chatAgents = 10;
const memoriesPerCall = 500;

type Handle = MemoryHandle;

/** The chats of other agents, and the questions that a victim asks. */
interface World {
  readonly chat: readonly string[];
  readonly asked: readonly Poisoned[];
}

/** What a victim found for one question: how many of the hits are poison, how many honest answers, and how many anything. */
interface Found {
  readonly poison: number;
  readonly honest: number;
  readonly hits: number;
}

/** Finds the best hits for a question, as a victim with some defence does. */
type Victim = (question: string) => Promise<readonly Hit[]>;

/** How much of what a victim recalls comes from an attacker that writes through a tool, with and without defences. */
export const poisoning: Question = {
  name: 'poisoning',
  asks: 'An attacker plants five false texts for each of 300 questions. How many of them do agents recall, with which defence?',
  async run(setting) {
    const { data } = setting;
    if (!existsSync(join(data, 'locomo'))) return { skipped: `${data} does not contain locomo (set --data FOLDER)` };
    const turns = (await readLocomo(data)).flatMap((conversation) => conversation.turns.map(({ text }) => text));
    const world = {
      chat: turns.slice(0, samples(setting, turns.length, 100)),
      asked: poisonedQuestions(samples(setting, 300, 20)),
    };
    return [...(await withoutTrust(world, 1)), ...(await withoutTrust(world, 5)), ...(await withTrust(world, 100))];
  },
};

/** A host that believes tools as much as agents: only caps that the victim asks for can help. */
async function withoutTrust(world: World, identities: number): Promise<Row[]> {
  const store = await attackedStore(world, identities, [ceiling({ channel: 'tool' }, 'standard', [])]);
  const victim = store.as({ agentId: 'victim' }).within({ namespace });
  const capped = (most: number): Victim => {
    return (question) => victim.recall(question, { topK: hitsPerQuestion, maxPerSource: most });
  };
  const rows = [
    ...(await rowsOf(named('no defence', identities), world, recalling(victim))),
    ...(await rowsOf(named('maxPerSource 1', identities), world, capped(1))),
    ...(await rowsOf(named('maxPerSource 2', identities), world, capped(2))),
  ];
  await consolidateAll(store);
  rows.push(...(await rowsOf(`${named('no defence', identities)}, consolidated`, world, recalling(victim))));
  await store.close();
  return rows;
}

/** The defences that the store promises. No poison may be left. */
async function withTrust(world: World, identities: number): Promise<Row[]> {
  const store = await attackedStore(world, identities);
  const victim = store.as({ agentId: 'victim' }).within({ namespace });
  const strict = victim.within({ minTrust: 'standard' });
  const rows = await rowsOf(named('defaults', identities), world, recalling(victim), byDefault);
  const measure = async (name: string, by: Handle) => {
    rows.push(...(await rowsOf(named(name, identities), world, recalling(by), noPoison)));
  };
  await measure('minTrust standard', strict);
  const { id } = await store.admin.access.ceiling({ group: 'attackers' }, 'untrusted', []);
  await measure('distrusted', victim);
  await store.admin.access.end(id);
  await consolidateAll(store);
  rows.push(
    ...(await rowsOf(named('defaults, consolidated', identities), world, recalling(victim), { share: { atMost: 20 } })),
  );
  await measure('minTrust standard, consolidated', strict);
  for (const by of attackersOf(identities)) await store.trust.contain({ by });
  await measure('contained, consolidated', victim);
  await store.close();
  return rows;
}

const byDefault: Goals = { share: { atMost: 20 }, more: { atMost: 2 }, honest: { atLeast: 99 } };
const noPoison: Goals = { any: { atMost: 0 }, share: { atMost: 0 }, more: { atMost: 0 }, honest: { atLeast: 99 } };

function named(defence: string, identities: number): string {
  return identities === 1 ? defence : `${defence}, ${identities} identities`;
}

function attackersOf(identities: number): { agentId: string }[] {
  return Array.from({ length: identities }, (_, i) => ({ agentId: `crawler-${i}` }));
}

/** Makes a store with the chats, three honest answers to each question by three agents, and the texts of the attacker. */
async function attackedStore({ chat, asked }: World, identities: number, declared: readonly Declaration[] = []) {
  const attackers = attackersOf(identities);
  const access = [allow('everyone', 'writer', []), group('attackers', attackers), ...declared];
  const store = await MemoryStore.inMemory({ access });
  const writeAs = async (agentId: string, texts: readonly string[], channel: 'agent' | 'tool') => {
    const handle = store.as({ agentId }).within({ namespace });
    for (let i = 0; i < texts.length; i += memoriesPerCall) {
      const batch = texts.slice(i, i + memoriesPerCall);
      await handle.rememberMany(batch.map((text) => ({ text, source: { channel } })));
    }
  };
  const byTurns = (texts: readonly string[], one: number, of: number) => texts.filter((_, i) => i % of === one);
  for (let i = 0; i < chatAgents; i++) await writeAs(`agent-${i}`, byTurns(chat, i, chatAgents), 'agent');
  for (let i = 0; i < honestAnswers; i++) {
    await writeAs(
      `clerk-${i}`,
      asked.map(({ honest }) => honest[i] as string),
      'agent',
    );
  }
  const poison = asked.flatMap((each) => each.poison);
  for (const [i, { agentId }] of attackers.entries()) await writeAs(agentId, byTurns(poison, i, identities), 'tool');
  return store;
}

/** Replaces the memories by facts of half their length, as a host does that does not know of the attack. */
async function consolidateAll(store: MemoryStore): Promise<void> {
  await store.admin.within({ namespace }).consolidate({}, { dryRun: false, ratio: 0.5 });
}

function recalling(victim: Handle): Victim {
  return (question) => victim.recall(question, { topK: hitsPerQuestion });
}

/** Asks all questions, and counts what was found. A fact counts as what it quotes. */
async function rowsOf(name: string, { asked }: World, victim: Victim, goals: Goals = {}): Promise<Row[]> {
  const found: Found[] = [];
  for (const { question, honest, poison } of asked) {
    const hits = await victim(question);
    const quoting = (texts: readonly string[]) =>
      hits.filter(({ text }) => texts.some((each) => text.includes(each))).length;
    found.push({ poison: quoting(poison), honest: quoting(honest), hits: hits.length });
  }
  // Two of ten hits are 20 %, and not a little more.
  const share = (is: (each: Found) => boolean | number) =>
    Math.round(1e6 * 100 * mean(found.map((each) => Number(is(each))))) / 1e6;
  const figures = [
    ['any poison among ten', share(({ poison }) => poison > 0), goals.any],
    ['share of poison', share(({ poison, hits }) => poison / Math.max(1, hits)), goals.share],
    ['more poison than honest', share(({ poison, honest }) => poison > honest), goals.more],
    ['honest answer found', share(({ honest }) => honest > 0), goals.honest],
  ] as const;
  return figures.map(([what, value, goal]) =>
    row({ name: `poisoning, ${name}: ${what}`, value, unit: '%', goal: goal ?? {} }),
  );
}

/** The goals for the four figures of a defence. */
interface Goals {
  readonly any?: Goal;
  readonly share?: Goal;
  readonly more?: Goal;
  readonly honest?: Goal;
}
