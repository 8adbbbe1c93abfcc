import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { allow, type BatchResult, type Hit, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { cut, printable, type Screen, wrap } from '../screen';
import { duration } from './hit-lines';
import { readTranscript, TranscriptError, type Turn } from './transcript';

const namespace = ['chat'];
const maxHits = 5;

/** Stores each turn of a chat as a memory. For each question it prints the five best turns with the turns before and after them. */
export async function askTranscript(screen: Screen, file: string, questions: readonly string[]): Promise<void> {
  const turns = await readTranscript(file);
  const folder = await mkdtemp(join(tmpdir(), 'transcript-'));
  // The clock shows the end of the chat. With the current time, all turns of an old chat would seem equally old.
  const end = Math.max(...turns.map(({ time }) => Date.parse(time)));
  const access = [allow({ agentId: 'reader' }, 'writer', namespace)];
  const store = await MemoryStore.open(folder, { access, clock: { now: () => end } });
  try {
    const reader = store.as({ agentId: 'reader' }, { namespace });
    const started = performance.now();
    throwProblems(file, turns, await reader.rememberMany(memoriesOf(turns)));
    const sessions = new Set(turns.map(({ session }) => session)).size;
    const stored = `${turns.length} turns of ${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
    screen.print(`${basename(file)}: ${stored} stored in ${duration(performance.now() - started)}.`);
    for (const question of questions) await answer(screen, reader, turns, question);
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function* memoriesOf(turns: readonly Turn[]) {
  for (const [index, { speaker, text, time, session }] of turns.entries()) {
    yield {
      text: `${speaker}: ${text}`,
      sessionId: session,
      validFrom: time,
      source: { channel: 'import' as const },
      metadata: { index },
    };
  }
}

function throwProblems(file: string, turns: readonly Turn[], { results }: BatchResult): void {
  const problems = results.flatMap((result) =>
    result.ok ? [] : [`  line ${turns[result.index]?.line}: ${result.error.message}`],
  );
  if (problems.length > 0)
    throw new TranscriptError(`${file} has turns that the store rejects.\n${problems.join('\n')}`);
}

async function answer(screen: Screen, reader: MemoryHandle, turns: readonly Turn[], question: string): Promise<void> {
  const started = performance.now();
  const hits = await reader.recall(question, { topK: maxHits });
  const tookMs = performance.now() - started;
  screen.print();
  screen.print(`${screen.style('bold', printable(question))}  ${screen.style('dim', duration(tookMs))}`);
  for (const [index, hit] of hits.entries()) printTurn(screen, index + 1, hit, turns);
  if (hits.length === 0) screen.print('  Nothing found.');
}

function printTurn(screen: Screen, rank: number, hit: Hit, turns: readonly Turn[]): void {
  const index = hit.metadata.index as number;
  const turn = turns[index] as Turn;
  const about = `${rank}  ${hit.score.toFixed(3)}  ${printable(turn.time)}  session ${printable(turn.session)}  line ${turn.line}`;
  screen.print();
  screen.print(`  ${screen.style('dim', cut(about, screen.width - 2))}`);
  printNeighbour(
    screen,
    turn,
    turns.slice(0, index).findLast(({ session }) => session === turn.session),
  );
  for (const [row, line] of wrap(printable(hit.text), screen.width - 5).entries()) {
    screen.print(`   ${row === 0 ? '▸' : ' '} ${screen.style('bold', line)}`);
  }
  printNeighbour(
    screen,
    turn,
    turns.slice(index + 1).find(({ session }) => session === turn.session),
  );
}

function printNeighbour(screen: Screen, turn: Turn, other: Turn | undefined): void {
  if (other === undefined || other === turn) return;
  screen.print(`     ${screen.style('dim', cut(printable(`${other.speaker}: ${other.text}`), screen.width - 5))}`);
}
