import { startStopwatch } from '../environment/timers';
import type { BatchResult, MemoryHandle, NewMemory } from '../index';
import type { ImportFormat } from './import-formats/import-format';
import type { JsonLine } from './json-lines';
import { errorLines, progressPrinter } from './output';
import type { Terminal } from './terminal';

const batchSize = 256;

/** How many lines were stored, revised a memory, were duplicates, or failed. */
export type ImportTotals = Pick<BatchResult, 'stored' | 'revised' | 'duplicates' | 'failed'>;

/** Stores each line separately. Prints a problem for each line that fails, and the totals at the end, even if the import ends early. */
export async function importLines(
  handle: MemoryHandle,
  lines: AsyncIterable<JsonLine>,
  format: ImportFormat,
  terminal: Terminal,
): Promise<ImportTotals> {
  const totals = { stored: 0, revised: 0, duplicates: 0, failed: 0 };
  const printProgress = progressPrinter(terminal);
  const elapsedMs = startStopwatch();
  const fail: FailLine = (number, problems) => {
    totals.failed++;
    terminal.printError(`${number === 0 ? 'file' : `line ${number}`}: ${problems.join('\n')}`);
  };
  let count = 0;
  try {
    for await (const batch of batches(lines)) {
      const memories = parseBatch(batch, format, fail);
      await storeBatch(handle, memories, terminal, totals, fail);
      count += batch.length;
      printProgress({ phase: 'import', done: count, failed: totals.failed, perSecond: (count / elapsedMs()) * 1_000 });
    }
  } catch (error) {
    terminal.printError(`Import incomplete: ${JSON.stringify(totals)}. Run the same command again to continue.`);
    throw error;
  }
  await terminal.print(JSON.stringify(totals));
  return totals;
}

type FailLine = (number: number, problems: readonly string[]) => void;
type NumberedMemory = { readonly number: number; readonly memory: NewMemory };

function parseBatch(batch: readonly JsonLine[], format: ImportFormat, fail: FailLine): NumberedMemory[] {
  return batch.flatMap((line) => {
    const memory = 'problem' in line ? line : format.parse(line.value);
    if (!('problem' in memory)) return [{ number: line.number, memory: withDates(memory) }];
    fail(line.number, [memory.problem]);
    return [];
  });
}

/**
 * Converts the times that the store would reject as text to dates. As text, the store accepts only the years 1990 to 2199, but a
 * file may be about any time, and other programs write the year 2999 or 9999 for 'never'.
 */
function withDates(memory: NewMemory): NewMemory {
  const times = (['validFrom', 'validTo', 'expiresAt'] as const).flatMap((name) => {
    const time = memory[name];
    const year = typeof time === 'string' ? Number(farTime.exec(time)?.[1]) : Number.NaN;
    return year < 1990 || year >= 2200 ? [[name, new Date(time as string)] as const] : [];
  });
  return { ...memory, ...Object.fromEntries(times) };
}

const farTime = /^(\d{4})-\d\d-\d\dT.*(?:Z|[+-]\d\d:?\d\d)$/;

async function storeBatch(
  handle: MemoryHandle,
  memories: readonly NumberedMemory[],
  { signal }: Terminal,
  totals: ImportTotals,
  fail: FailLine,
): Promise<void> {
  const result = await handle.rememberMany(
    memories.map(({ memory }) => memory),
    { signal },
  );
  for (const each of result.results) {
    if (!each.ok) fail(memories[each.index]?.number ?? 0, await errorLines(each.error));
  }
  totals.stored += result.stored;
  totals.revised += result.revised;
  totals.duplicates += result.duplicates;
}

async function* batches(lines: AsyncIterable<JsonLine>): AsyncGenerator<JsonLine[]> {
  let batch: JsonLine[] = [];
  for await (const line of lines) {
    batch.push(line);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
