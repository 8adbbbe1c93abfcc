import { startStopwatch } from '../environment/timers';
import type { BatchResult, MemoryHandle, NewMemory } from '../index';
import type { Format } from './import-formats/format';
import type { JsonLine } from './lines';
import type { Terminal } from './terminal';
import { tellProgress, toldError } from './told';

const linesAtOnce = 256;

/** What became of lines. */
export type Total = Pick<BatchResult, 'stored' | 'revised' | 'duplicates' | 'failed'>;

/** Stores what lines hold, each by itself, tells what was refused, and prints the total, also where it ends early. */
export async function importLines(
  handle: MemoryHandle,
  lines: AsyncIterable<JsonLine>,
  format: Format,
  terminal: Terminal,
): Promise<Total> {
  const total = { stored: 0, revised: 0, duplicates: 0, failed: 0 };
  const tell = tellProgress(terminal);
  const elapsedMs = startStopwatch();
  const refuse = (number: number, reasons: readonly string[]) => {
    total.failed++;
    terminal.tell(`${number === 0 ? 'the file' : `line ${number}:`} ${reasons.join('\n')}`);
  };
  let count = 0;
  try {
    for await (const batch of batchesOf(lines)) {
      const taken = memoriesOf(batch, format, refuse);
      await storeAll(handle, taken, terminal, total, refuse);
      count += batch.length;
      tell({ phase: 'import', done: count, failed: total.failed, perSecond: (count / elapsedMs()) * 1_000 });
    }
  } catch (error) {
    terminal.tell(`Not all was imported: ${JSON.stringify(total)}. The same command goes on where this one ended.`);
    throw error;
  }
  await terminal.print(JSON.stringify(total));
  return total;
}

type Refuse = (number: number, reasons: readonly string[]) => void;
type Taken = readonly { readonly number: number; readonly memory: NewMemory }[];

function memoriesOf(batch: readonly JsonLine[], format: Format, refuse: Refuse): Taken {
  return batch.flatMap((line) => {
    const memory = 'problem' in line ? line : format.memory(line.value);
    if (!('problem' in memory)) return [{ number: line.number, memory }];
    refuse(line.number, [memory.problem]);
    return [];
  });
}

async function storeAll(handle: MemoryHandle, taken: Taken, { signal }: Terminal, total: Total, refuse: Refuse) {
  const result = await handle.rememberMany(
    taken.map(({ memory }) => memory),
    { signal },
  );
  for (const each of result.results) {
    if (!each.ok) refuse(taken[each.index]?.number ?? 0, await toldError(each.error));
  }
  total.stored += result.stored;
  total.revised += result.revised;
  total.duplicates += result.duplicates;
}

async function* batchesOf(lines: AsyncIterable<JsonLine>): AsyncGenerator<JsonLine[]> {
  let batch: JsonLine[] = [];
  for await (const line of lines) {
    batch.push(line);
    if (batch.length < linesAtOnce) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
