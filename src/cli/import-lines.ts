import { startStopwatch } from '../environment/timers';
import type { BatchResult, MemoryHandle, NewMemory } from '../index';
import { type ImportFormat, type ImportProblem, unexpectedValue } from './import-formats/import-format';
import { ImportProblems } from './import-problems';
import type { JsonLine } from './json-lines';
import { errorLines, progressPrinter } from './output';
import type { Terminal } from './terminal';

const batchSize = 256;

/** How many lines were stored, revised a memory, were duplicates, or failed. */
export type ImportTotals = Pick<BatchResult, 'stored' | 'revised' | 'duplicates' | 'failed'>;

/** Called with each memory that was stored or was already there. */
export type OnImported = (memory: NewMemory) => void;

/**
 * Stores each line by itself and prints the totals, even if the import ends early. For each kind of problem it prints one message, with
 * the number of lines and the first of them.
 */
export async function importLines(
  handle: MemoryHandle,
  lines: AsyncIterable<ImportLine>,
  format: ImportFormat,
  terminal: Terminal,
  onImported: OnImported = () => undefined,
): Promise<ImportReport> {
  const run = new ImportRun(handle, format, terminal, onImported);
  const printProgress = progressPrinter(terminal);
  const elapsedMs = startStopwatch();
  const { totals, problems } = run;
  let count = 0;
  try {
    for await (const batch of batches(lines)) {
      await run.store(run.parse(batch));
      count += batch.length;
      printProgress({ phase: 'import', done: count, failed: totals.failed, perSecond: (count / elapsedMs()) * 1_000 });
    }
  } catch (error) {
    for (const message of problems.messages()) terminal.printError(message);
    terminal.printError(`Import incomplete: ${JSON.stringify(totals)}. Run the same command again to continue.`);
    throw error;
  }
  for (const message of problems.messages()) terminal.printError(message);
  return { totals, skipped: problems.skippedCounts() };
}

/** A line of one of several files. */
export type ImportLine = JsonLine & { readonly file?: string };

/** What an import did. */
export interface ImportReport {
  readonly totals: ImportTotals;
  /** How many values hold no memory, by what they are. */
  readonly skipped: Readonly<Record<string, number>>;
}

interface PlacedMemory {
  readonly place: string;
  readonly memory: NewMemory;
}

class ImportRun {
  readonly totals = { stored: 0, revised: 0, duplicates: 0, failed: 0 };
  readonly problems = new ImportProblems();
  readonly #handle: MemoryHandle;
  readonly #format: ImportFormat;
  readonly #terminal: Terminal;
  readonly #onImported: OnImported;

  constructor(handle: MemoryHandle, format: ImportFormat, terminal: Terminal, onImported: OnImported) {
    this.#handle = handle;
    this.#format = format;
    this.#terminal = terminal;
    this.#onImported = onImported;
  }

  parse(batch: readonly ImportLine[]): PlacedMemory[] {
    return batch.flatMap((line) => {
      if ('skipped' in line) {
        this.problems.skip(line.skipped);
        return [];
      }
      const memory = 'problem' in line ? line : this.#parseValue(line.value);
      if (!('problem' in memory)) return [{ place: placeOf(line), memory }];
      this.#fail(placeOf(line), memory.problem);
      return [];
    });
  }

  /** One odd value must not end the import of the others. */
  #parseValue(value: unknown): NewMemory | ImportProblem {
    try {
      const memory = this.#format.parse(value);
      return 'problem' in memory ? memory : withDates(memory);
    } catch (error) {
      return unexpectedValue(error);
    }
  }

  async store(memories: readonly PlacedMemory[]): Promise<void> {
    const { signal } = this.#terminal;
    const given = memories.map(({ memory }) => memory);
    const { results, stored, revised, duplicates } = await this.#handle.rememberMany(given, { signal });
    for (const each of results) {
      const { place, memory } = memories[each.index] as PlacedMemory;
      if (each.ok) this.#onImported(memory);
      else this.#fail(place, (await errorLines(each.error)).join('\n'));
    }
    this.totals.stored += stored;
    this.totals.revised += revised;
    this.totals.duplicates += duplicates;
  }

  #fail(place: string, problem: string): void {
    this.totals.failed++;
    this.problems.add(place, problem);
  }
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

function placeOf({ file, number }: ImportLine): string {
  const place = number === 0 ? 'file' : `line ${number}`;
  return file === undefined ? place : `${file}, ${place}`;
}

async function* batches(lines: AsyncIterable<ImportLine>): AsyncGenerator<ImportLine[]> {
  let batch: ImportLine[] = [];
  for await (const line of lines) {
    batch.push(line);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
