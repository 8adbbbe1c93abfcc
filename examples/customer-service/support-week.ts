import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MemoryStore } from 'multi-agent-memory';
import { pad, type Screen } from '../screen';
import { ask, type Claims, claimsOn } from './claims';
import { playFridayEvening } from './friday-evening';
import { duration, shopTimeOf } from './hit-lines';
import { type Question, questions } from './questions';
import { loadSessions, type Session } from './sessions';
import { agentOf, openShop, rememberSession, type StoryClock } from './shop';

// The store is closed on Tuesday evening and opened again on Wednesday morning.
const restart = new Date('2025-03-05T08:00:00+01:00');

interface Week {
  screen: Screen;
  claims: Claims;
  folder: string;
  clock: StoryClock;
  sessions: Session[];
  asked: readonly Question[];
}

/** Plays the week and prints it. Resolves to true if every question found its answer and every claim holds. */
export async function playWeek(screen: Screen, asked: readonly Question[] = questions): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'customer-service-'));
  const claims = claimsOn(screen);
  const week = { screen, claims, folder, clock: { at: 0 }, sessions: await loadSessions(), asked };
  try {
    await untilTuesday(week);
    await fromWednesday(week);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return summary(screen, claims);
}

async function untilTuesday({ screen, folder, clock, sessions }: Week): Promise<void> {
  heading(screen, 'Monday and Tuesday: three agents store what five customers say');
  await using store = await openShop(folder, clock);
  for (const session of sessions) if (session.startsAt < restart) await meet(screen, store, clock, session);
}

async function fromWednesday(week: Week): Promise<void> {
  const { screen, claims, folder, clock, sessions } = week;
  heading(screen, 'Tuesday night: the store is closed and opened again from disk');
  clock.at = restart.getTime();
  const started = performance.now();
  await using store = await openShop(folder, clock);
  const { memories, space } = await store.stats();
  // The name of the model, without the hash of its weights.
  const [model] = space.model.split(' ');
  screen.print(`  ${memories} memories are back after ${duration(performance.now() - started)}. Vectors: ${model}.`);

  heading(screen, 'Wednesday to Friday: each agent searches the shared memory before it answers');
  for (const session of sessions.filter(({ startsAt }) => startsAt >= restart)) {
    clock.at = session.startsAt.getTime();
    await prepare(week, store, session);
    screen.print();
    await meet(screen, store, clock, session);
  }
  await playFridayEvening(screen, store, clock, claims);
}

async function prepare({ screen, claims, asked }: Week, store: MemoryStore, session: Session): Promise<void> {
  const { id, agent: agentId, customer, name, startsAt } = session;
  screen.print();
  screen.print(`  ${screen.style('yellow', `${shopTimeOf(startsAt)}  ${name} (${customer}) writes to ${agentId}`)}`);
  for (const question of asked.filter(({ before }) => before === id)) {
    const agent = agentOf(store, agentId);
    await ask(screen, claims, { ...question, agentId, agent, question: question.ask, options: { userId: customer } });
  }
}

async function meet(screen: Screen, store: MemoryStore, clock: StoryClock, session: Session): Promise<void> {
  clock.at = session.endsAt.getTime();
  const { turns, notes, tookMs } = await rememberSession(store, session);
  const columns = [
    session.id,
    pad(shopTimeOf(session.startsAt), 17),
    pad(session.agent, 17),
    pad(session.name, 17),
    `${turns} turns, ${notes} ${notes === 1 ? 'note' : 'notes'} in ${duration(tookMs)}`,
  ];
  screen.print(`  ${columns.join('  ')}`);
}

function heading(screen: Screen, text: string): void {
  screen.print();
  screen.print(screen.style('bold', text));
  screen.print(screen.style('dim', '─'.repeat(text.length)));
}

function summary(screen: Screen, { durationsMs, failed }: Claims): boolean {
  heading(screen, 'Summary');
  if (failed.length > 0) {
    screen.print(screen.style('red', `  ${failed.length} claims of the demo do not hold:`));
    for (const what of failed) screen.print(`  ✘ ${what}`);
    return false;
  }
  const median = [...durationsMs].sort((a, b) => a - b)[Math.floor(durationsMs.length / 2)] ?? 0;
  const count = `${durationsMs.length} questions, each answered by one of the first three hits`;
  screen.print(`  ${count}; median ${duration(median)}.`);
  return true;
}
