import { defined } from '../../domain/defined';
import type { NewMemory, Trust } from '../../index';
import type { Command } from '../cli-command';
import type { CommandLine } from '../command-line';
import { embedderOptions, trustOptions, writeStore } from '../command-store';
import { openFile } from '../file-paths';
import type { DateOrder, ImportFormat } from '../import-formats/import-format';
import { importFormat, importFormatNames, sessionFormats } from '../import-formats/import-formats';
import { type ImportLine, type ImportReport, importLines } from '../import-lines';
import { ImportSummary } from '../import-summary';
import { jsonLines } from '../json-lines';
import { namespaceText, oneOf } from '../option-checks';
import { principalOf, principalOptions } from '../principal-options';
import { namespaceOption } from '../selection-options';
import { type ExitCode, exitCodes, type Terminal } from '../terminal';

const maxFiles = 10_000;

/** `import`: stores memories from files or from standard input. */
export const importCommand: Command = {
  summary: 'Stores memories from files or from standard input. Importing the same file again changes nothing.',
  usage: 'FOLDER [FILE ...]',
  argumentCount: [1, 1 + maxFiles],
  options: {
    from: {
      valueName: 'FORMAT',
      help: `the format of the input: ${importFormatNames.join(', ')}; default: export`,
      check: oneOf(...importFormatNames),
    },
    'dry-run': { help: 'store nothing and print what the import would store' },
    namespace: {
      valueName: 'PATH',
      help: 'store memories below this namespace; default: the name of the format; for export and langgraph: none',
      check: namespaceText,
    },
    session: { valueName: 'ID', help: `the session of messages that have none: ${sessionFormats.join(', ')}` },
    'text-column': { valueName: 'NAME', help: 'the column of csv that holds the text' },
    'text-field': { valueName: 'PATH', help: 'the field of json that holds the text, such as body or message.text' },
    'date-order': {
      valueName: 'PART',
      help: 'day or month: what dates of whatsapp start with; default: found from the dates',
      check: oneOf('day', 'month'),
    },
    'max-trust': {
      valueName: 'LEVEL',
      help: 'the highest trust that imported memories get: reported, standard or verified; default: reported',
      check: oneOf('reported', 'standard', 'verified'),
    },
    ...principalOptions,
    ...embedderOptions,
    ...trustOptions,
  },
  examples: [
    ['import ./memory memories.jsonl', 'output of the export command; ids, authors and write times are new'],
    ['export ./a | multi-agent-memory import ./b', 'from one store into another'],
    ['import ./memory mem0.json --from=mem0 --namespace=assistant', 'output of get_all of mem0'],
    ['import ./memory store.json --from=langgraph', 'rows of PostgresStore, for MemoryHandleStore'],
    ['import ./memory messages.json --from=langchain --session=s-1', 'messages, for MemoryHandleChatHistory'],
    ['import ./memory conversations.json --from=chatgpt --dry-run', 'what an export of ChatGPT would bring'],
    ['import ./memory MEMORY.md memory/*.md --from=markdown', 'notes, a memory for each section'],
    ['import ./memory notes.csv --from=csv --text-column=note', 'a table'],
  ],
  usageProblems: (line) => [...optionProblems(line), ...fileProblems(line)],
  run: async (line, terminal) => {
    const parsed = await importFormat(line.text('from'), {
      ...defined({
        namespace: namespaceOption(line),
        sessionId: line.text('session'),
        textField: line.text('text-column') ?? line.text('text-field'),
        dateOrder: line.text('date-order') as DateOrder | undefined,
      }),
      principal: principalOf(line),
    });
    const format = limitedTo((line.text('max-trust') ?? 'reported') as Trust, parsed);
    // Reads the first line before the store is opened, so that no empty store is created if the input cannot be read.
    const lines = await begun(readInputs(await openInputs(line, terminal), format));
    if (line.flag('dry-run')) return dryRun(lines, format, terminal);
    return writeStore(
      line,
      terminal,
      async (_, handle) => {
        const report = await importLines(handle, lines, format, terminal);
        await terminal.print(JSON.stringify(report.totals));
        return exitCode(report);
      },
      { create: true },
    );
  },
};

/** The formats that an option requires, or that require it. */
const formatOptions = [
  { option: 'text-column', formats: ['csv'], isRequired: true },
  { option: 'text-field', formats: ['json'], isRequired: true },
  { option: 'date-order', formats: ['whatsapp'], isRequired: false },
  { option: 'session', formats: sessionFormats, isRequired: false },
];

function optionProblems(line: CommandLine): string[] {
  const from = line.text('from') ?? 'export';
  return formatOptions.flatMap(({ option, formats, isRequired }) => {
    if (!formats.includes(from))
      return line.isGiven(option) ? [`--${option} requires --from=${formats.join(' or --from=')}.`] : [];
    return isRequired && !line.isGiven(option) ? [`--from=${from} requires --${option}.`] : [];
  });
}

function fileProblems({ args: [, ...files] }: CommandLine): string[] {
  return files.length > 1 && files.includes('-') ? ['Standard input (-) cannot be combined with files.'] : [];
}

interface ImportInput {
  /** Undefined for standard input. */
  readonly file: string | undefined;
  readonly pieces: AsyncIterable<Uint8Array | string>;
}

/** Opens each file once, so that a missing one is reported before anything is stored. */
async function openInputs(line: CommandLine, { input, signal }: Terminal): Promise<ImportInput[]> {
  const files = line.args.slice(1).map((_, i) => line.file(i + 1));
  if (files.length === 0 || line.args[1] === '-') return [{ file: undefined, pieces: input }];
  for (const file of files) await (await openFile(file)).close();
  return files.map((file) => ({ file, pieces: readFile(file, signal) }));
}

async function* readFile(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  yield* (await openFile(file)).createReadStream({ signal }) as AsyncIterable<Uint8Array>;
}

async function* readInputs(inputs: readonly ImportInput[], format: ImportFormat): AsyncGenerator<ImportLine> {
  for (const { file, pieces } of inputs) {
    const lines = format.readDocument === undefined ? jsonLines(pieces) : format.readDocument(pieces, file);
    // With a single file, the place in it is enough.
    const place = inputs.length > 1 && file !== undefined ? { file } : {};
    for await (const each of lines) yield { ...each, ...place };
  }
}

/** Imports into a store in memory that is thrown away, so that the store's own checks run too. */
/**
 * What comes from outside is at most 'reported', unless the host says otherwise. Else a false statement that a store distrusts could come
 * back through a file, written by the importer.
 */
function limitedTo(limit: Trust, format: ImportFormat): ImportFormat {
  return {
    ...format,
    parse: (value) => {
      const memory = format.parse(value);
      if ('problem' in memory) return memory;
      const { maxTrust = limit } = memory;
      return { ...memory, maxTrust: isLower(maxTrust, limit) ? maxTrust : limit };
    },
  };
}

/** An unknown level is not lower: it is kept where it is and reported when the memory is parsed. */
function isLower(a: Trust, b: Trust): boolean {
  const levels: readonly Trust[] = ['untrusted', 'reported', 'standard', 'verified'];
  return levels.indexOf(a) < levels.indexOf(b);
}

async function dryRun(lines: AsyncIterable<ImportLine>, format: ImportFormat, terminal: Terminal): Promise<ExitCode> {
  const { MemoryStore } = await import('../../index');
  await using store = await MemoryStore.inMemory();
  const summary = new ImportSummary();
  const unembedded: ImportFormat = {
    parse: (value) => {
      const memory = format.parse(value);
      return 'problem' in memory ? memory : ({ ...memory, embed: false } satisfies NewMemory);
    },
  };
  const report = await importLines(store.admin, lines, unembedded, terminal, (memory) => summary.add(memory));
  await terminal.print(summary.line(report));
  return exitCode(report);
}

function exitCode({ totals }: ImportReport): ExitCode {
  return totals.failed === 0 ? exitCodes.success : exitCodes.failure;
}

/** Reads the first value in advance, and returns all values. */
async function begun<T>(values: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const iterator = values[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      for (let each = first; each.done !== true; each = await iterator.next()) yield each.value;
    } finally {
      await iterator.return?.();
    }
  })();
}
