import { defined } from '../../domain/defined';
import type { Command } from '../cli-command';
import { embedderOptions, trustOptions, writeStore } from '../command-store';
import { openFile } from '../file-paths';
import { importFormat, importFormatNames } from '../import-formats/import-formats';
import { importLines } from '../import-lines';
import { jsonLines } from '../json-lines';
import { namespaceText, oneOf } from '../option-checks';
import { principalOf, principalOptions } from '../principal-options';
import { namespaceOption } from '../selection-options';
import { exitCodes } from '../terminal';

/** `import`: stores memories from a file or from standard input. */
export const importCommand: Command = {
  summary: 'Stores memories from a file or from standard input. Importing the same file again changes nothing.',
  usage: 'FOLDER [FILE]',
  argumentCount: [1, 2],
  options: {
    from: {
      valueName: 'FORMAT',
      help: `the format of the input: ${importFormatNames.join(', ')}; default: export`,
      check: oneOf(...importFormatNames),
    },
    namespace: {
      valueName: 'PATH',
      help: 'store memories below this namespace; default: mem0 or langchain for these formats, otherwise none',
      check: namespaceText,
    },
    session: { valueName: 'ID', help: 'the session of langchain messages that have none' },
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
  ],
  usageProblems: (line) =>
    line.isGiven('session') && line.text('from') !== 'langchain' ? ['--session requires --from=langchain.'] : [],
  run: async (line, terminal) => {
    const { signal } = terminal;
    const format = importFormat(line.text('from'), {
      ...defined({ namespace: namespaceOption(line), sessionId: line.text('session') }),
      principal: principalOf(line),
    });
    const isFile = line.args.length > 1 && line.args[1] !== '-';
    const source = isFile ? (await openFile(line.file(1))).createReadStream({ signal }) : terminal.input;
    // Reads the first line before the store is opened, so that no empty store is created if the input cannot be read.
    const lines = await begun(format.readDocument === undefined ? jsonLines(source) : format.readDocument(source));
    return writeStore(
      line,
      terminal,
      async (_, handle) => {
        const { failed } = await importLines(handle, lines, format, terminal);
        return failed === 0 ? exitCodes.success : exitCodes.failure;
      },
      { create: true },
    );
  },
};

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
