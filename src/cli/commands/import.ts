import { createReadStream } from 'node:fs';
import { startStopwatch } from '../../environment/stopwatch';
import type { BatchResult, MemoryHandle, NewMemory } from '../../index';
import type { Command } from '../command';
import { formatOf, formats } from '../import-formats/formats';
import { type JsonLine, jsonLines } from '../lines';
import { principalOf, principalOptions } from '../principal-options';
import { namespaceOf } from '../selection-options';
import { embedderOptions, writing } from '../store';
import { done, failed, type Terminal } from '../terminal';
import { tellProgress, toldError } from '../told';

const linesAtOnce = 256;

/** `import`: memories from JSON Lines. */
export const importCommand: Command = {
  summary: 'Stores memories from JSON Lines, each once however often it is imported.',
  usage: 'FOLDER [FILE]',
  takes: [1, 2],
  options: {
    from: { value: 'FORMAT', help: `what wrote the lines: ${formats.join(', ')}; default: export of this program` },
    namespace: { value: 'PATH', help: 'for lines that name none, and in front of those of other formats' },
    ...principalOptions,
    ...embedderOptions,
  },
  examples: [
    ['import ./memory memories.jsonl', 'what export wrote'],
    ['export ./a | multi-agent-memory import ./b', 'from one store into another'],
    ['import ./memory mem0.json --from=mem0 --namespace=assistant', 'what mem0 has exported'],
  ],
  run: (line, terminal) =>
    writing(line, terminal, async (_, handle) => {
      const [, file] = line.args;
      const namespace = line.text('namespace');
      const read = formatOf(line, {
        ...(namespace === undefined ? {} : { namespace: namespaceOf(namespace, '--namespace') }),
        principal: principalOf(line),
      });
      const source = file === undefined || file === '-' ? terminal.input : createReadStream(file);
      const lines = read.document === undefined ? jsonLines(source) : read.document(source);
      const total = await importLines(handle, lines, read.memory, terminal);
      await terminal.print(JSON.stringify(total));
      return total.failed === 0 ? done : failed;
    }),
};

type Total = Pick<BatchResult, 'stored' | 'revised' | 'duplicates' | 'failed'>;

async function importLines(
  handle: MemoryHandle,
  lines: AsyncIterable<JsonLine>,
  memoryOf: (value: unknown) => NewMemory | { problem: string },
  terminal: Terminal,
): Promise<Total> {
  const total = { stored: 0, revised: 0, duplicates: 0, failed: 0 };
  const tell = tellProgress(terminal);
  const elapsedMs = startStopwatch();
  const refuse = (number: number, reasons: readonly string[]) => {
    total.failed++;
    terminal.tell(`line ${number}: ${reasons.join('\n')}`);
  };
  let count = 0;
  for await (const batch of batchesOf(lines)) {
    const taken: { number: number; memory: NewMemory }[] = [];
    for (const line of batch) {
      const memory = 'problem' in line ? line : memoryOf(line.value);
      if ('problem' in memory) refuse(line.number, [memory.problem]);
      else taken.push({ number: line.number, memory });
    }
    const result = await handle.rememberMany(
      taken.map(({ memory }) => memory),
      { signal: terminal.signal },
    );
    for (const each of result.results) {
      if (!each.ok) refuse(taken[each.index]?.number ?? 0, toldError(each.error));
    }
    total.stored += result.stored;
    total.revised += result.revised;
    total.duplicates += result.duplicates;
    count += batch.length;
    const perSecond = (count / elapsedMs()) * 1_000;
    tell({ phase: 'import', done: count, failed: total.failed, perSecond });
  }
  return total;
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
