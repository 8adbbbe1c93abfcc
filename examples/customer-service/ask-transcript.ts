import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { allow, type BatchResult, type Hit, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { cut, printable, type Screen, wrap } from '../screen';
import { took } from './hits';
import { readTranscript, TranscriptError, type Turn } from './transcript';

const namespace = ['chat'];
const shown = 5;

/** Stores a chat, turn by turn, and prints the five turns that answer each question best, with their neighbours. */
export async function askTranscript(screen: Screen, file: string, questions: readonly string[]): Promise<void> {
  const turns = await readTranscript(file);
  const folder = await mkdtemp(join(tmpdir(), 'transcript-'));
  // Asked as at the end of the chat: an old one is not all of one age.
  const end = Math.max(...turns.map(({ time }) => Date.parse(time)));
  const access = [allow({ agentId: 'reader' }, 'writer', namespace)];
  const store = await MemoryStore.open(folder, { access, clock: { now: () => end } });
  try {
    const reader = store.as({ agentId: 'reader' }, { namespace });
    const started = performance.now();
    report(file, turns, await reader.rememberMany(memoriesOf(turns)));
    const sessions = new Set(turns.map(({ session }) => session)).size;
    const stored = `${turns.length} turns of ${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
    screen.print(`${basename(file)}: ${stored} remembered in ${took(performance.now() - started)}.`);
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

function report(file: string, turns: readonly Turn[], { results }: BatchResult): void {
  const problems = results.flatMap((result) =>
    result.ok ? [] : [`  line ${turns[result.index]?.line}: ${result.error.message}`],
  );
  if (problems.length > 0)
    throw new TranscriptError(`${file} has turns that cannot be stored.\n${problems.join('\n')}`);
}

async function answer(screen: Screen, reader: MemoryHandle, turns: readonly Turn[], question: string): Promise<void> {
  const started = performance.now();
  const hits = await reader.recall(question, { topK: shown });
  const tookMs = performance.now() - started;
  screen.print();
  screen.print(`${screen.style('bold', printable(question))}  ${screen.style('dim', took(tookMs))}`);
  for (const [index, hit] of hits.entries()) printTurn(screen, index + 1, hit, turns);
  if (hits.length === 0) screen.print('  Nothing found.');
}

function printTurn(screen: Screen, rank: number, hit: Hit, turns: readonly Turn[]): void {
  const index = hit.metadata.index as number;
  const turn = turns[index] as Turn;
  const about = `${rank}  ${hit.score.toFixed(3)}  ${printable(turn.time)}  session ${printable(turn.session)}  line ${turn.line}`;
  screen.print();
  screen.print(`  ${screen.style('dim', cut(about, screen.width - 2))}`);
  neighbour(
    screen,
    turn,
    turns.slice(0, index).findLast(({ session }) => session === turn.session),
  );
  for (const [row, line] of wrap(printable(hit.text), screen.width - 5).entries()) {
    screen.print(`   ${row === 0 ? '▸' : ' '} ${screen.style('bold', line)}`);
  }
  neighbour(
    screen,
    turn,
    turns.slice(index + 1).find(({ session }) => session === turn.session),
  );
}

function neighbour(screen: Screen, turn: Turn, other: Turn | undefined): void {
  if (other === undefined || other === turn) return;
  screen.print(`     ${screen.style('dim', cut(printable(`${other.speaker}: ${other.text}`), screen.width - 5))}`);
}
