import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { MemoryStore } from 'multi-agent-memory';
import type { Ended, Program, Programs } from '../programs';
import { Random } from '../random';
import type { Call, Line, WriterTask } from './calls';
import { checkForgotten, checkIndexes, checkList, checkMemory, checkWord } from './check';
import { type Absent, decide } from './decide';
import { contentsOf } from './lane';
import { isIdempotent, type Known, Model } from './model';
import { access, replay } from './replay';
import { Seen } from './seen';

export interface CyclesOptions {
  readonly programs: Programs;
  /** An empty folder, because everything in it is compared with the calls. */
  readonly folder: string;
  readonly seed: number;
  readonly cycles: number;
  /** How the writer ends. */
  readonly end: 'killed' | 'exits';
  onCycle?(cycle: CycleReport): void;
}

export interface CycleReport {
  readonly cycle: number;
  readonly acknowledged: number;
  /** The calls that were running at the end, and how many of their contents were stored. */
  readonly open: number;
  readonly memories: number;
  readonly tookMs: number;
}

// So few that the store builds a vector index in every other cycle.
const exactUpTo = [30, 20_000] as const;
const longestRunMs = 300;
const checked = 24;

/** Runs a writer, ends it, and compares the store with the acknowledged results, several times in the same folder. */
export async function runCycles(options: CyclesOptions): Promise<void> {
  const model = new Model();
  for (let cycle = 1; cycle <= options.cycles; cycle++) {
    try {
      const startedAt = performance.now();
      const report = await runCycle(options, model, cycle);
      options.onCycle?.({ cycle, ...report, tookMs: performance.now() - startedAt });
    } catch (cause) {
      const { seed, folder } = options;
      const message = `Seed ${seed}, cycle ${cycle}: ${cause instanceof Error ? cause.message : String(cause)}\nThe store is in ${folder}.`;
      throw new Error(message, { cause });
    }
  }
}

async function runCycle({ programs, folder, seed, end }: CyclesOptions, model: Model, cycle: number) {
  const random = new Random(seed, cycle, -1);
  const task: WriterTask = { folder, seed, cycle, exactUpTo: exactUpTo[cycle % 2] as number };
  const exitAfter = end === 'exits' ? { exitAfter: random.whole(1, 200) } : {};
  const writer = programs.start('writer', { ...task, ...exitAfter });
  const ended = await (end === 'exits' ? writer.ended : killed(writer, random));
  assert.equal(ended.stderr, '', 'nothing on stderr');
  if (end === 'exits') assert.equal(ended.code, 0, 'the writer ended by itself');
  return compare(new Said(writer.lines as Line[]), { model, folder, random, exactUpTo: task.exactUpTo });
}

/** Kills the writer at a random moment: mostly while it writes, sometimes while it opens the store. */
async function killed(writer: Program, random: Random): Promise<Ended> {
  const whileOpening = random.chance(0.15);
  const delayMs = whileOpening ? random.whole(0, 60) : 2 + random.share() * random.share() * longestRunMs;
  await writer.said<Line>(({ say }) => say === (whileOpening ? 'opening' : 'ack'));
  await setTimeout(delayMs);
  return writer.kill();
}

/** The lines of the writer, grouped by call. */
class Said {
  readonly acknowledged: { readonly call: Call; readonly line: Extract<Line, { say: 'ack' }> }[] = [];
  readonly open: Call[] = [];

  constructor(lines: readonly Line[]) {
    const calls = new Map<number, Call>();
    for (const line of lines) {
      if (line.say === 'intent') calls.set(line.number, line.call);
      if (line.say === 'refused')
        assert.fail(`a call was refused: ${line.error}\n${JSON.stringify(calls.get(line.number))}`);
      if (line.say !== 'ack') continue;
      this.acknowledged.push({ call: calls.get(line.number) as Call, line });
      calls.delete(line.number);
    }
    this.open.push(...calls.values());
  }
}

interface Comparing {
  readonly model: Model;
  readonly folder: string;
  readonly random: Random;
  readonly exactUpTo: number;
}

async function compare({ acknowledged, open }: Said, { model, folder, random, exactUpTo }: Comparing) {
  const before = new Set(model.memories.keys());
  // A duplicate is compared with the first result, which may have arrived in the same turn.
  const isRepeat = ({ line }: (typeof acknowledged)[number]) => line.answer.remembered?.[0]?.outcome === 'duplicate';
  for (const { call, line } of [...acknowledged.filter((each) => !isRepeat(each)), ...acknowledged.filter(isRepeat)]) {
    if (call.type === 'forgetWhere')
      assert.deepEqual([...(line.answer.forgotten ?? [])].sort(), [...call.ids].sort(), 'forgetWhere');
    if (call.type === 'forget') assert.deepEqual(line.answer.forgotten, [call.id], 'forget of what is there');
    model.happened(call, line.answer);
  }
  await using store = await MemoryStore.open(folder, { access, exactUpTo, limits: { topK: 100_000 } });
  const seen = await Seen.of(store);
  const absent: Absent[number][] = [];
  for (const call of open) absent.push(...(await decide(model, seen, call)));
  await checkList(store, model, seen);
  await checkIndexes(store, model);
  for (const { token } of absent) await checkWord(store, token, []);
  const fresh = [...model.memories.values()].filter(({ id }) => !before.has(id));
  const writtenTo = open.flatMap((call) => touched(model, call));
  for (const known of new Set([
    ...writtenTo,
    ...random.sample(fresh, checked),
    ...random.sample([...model.memories.values()], checked),
  ])) {
    await (known.forgotten ? checkForgotten(store, model, known) : checkMemory(store, model, seen, known));
  }
  await replayAll(store, model, open, random);
  return { acknowledged: acknowledged.length, open: open.length, memories: seen.memories.size };
}

function touched(model: Model, call: Call): Known[] {
  const tokens = new Set(contentsOf(call).map(({ token }) => token));
  const ids = new Set(call.type === 'forgetWhere' ? call.ids : 'id' in call ? [call.id] : []);
  return [...model.memories.values()].filter(
    ({ id, revisions }) => ids.has(id) || revisions.some(({ token }) => tokens.has(token)),
  );
}

async function replayAll(store: MemoryStore, model: Model, open: readonly Call[], random: Random): Promise<void> {
  const known = [...model.once.values()].map(({ call }) => call);
  for (const call of [...open.filter(isIdempotent), ...random.sample(known, 4)]) await replay(store, model, call);
  await checkList(store, model, await Seen.of(store));
}
