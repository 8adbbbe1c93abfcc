import { createReadStream } from 'node:fs';
import type { Command } from '../command';
import { formatOf, formats } from '../import-formats/formats';
import { importLines } from '../import-lines';
import { jsonLines } from '../lines';
import { isNamespace, oneOf } from '../option-checks';
import { principalOf, principalOptions } from '../principal-options';
import { namespaceOf } from '../selection-options';
import { embedderOptions, writing } from '../store';
import { done, failed } from '../terminal';

/** `import`: memories from JSON Lines. */
export const importCommand: Command = {
  summary: 'Stores memories from JSON Lines, each once however often it is imported.',
  usage: 'FOLDER [FILE]',
  takes: [1, 2],
  options: {
    from: {
      value: 'FORMAT',
      help: `what wrote the file: ${formats.join(', ')}; default: export of this program`,
      check: oneOf(...formats),
    },
    namespace: {
      value: 'PATH',
      help: 'in front of the namespace of each line; mem0 and langchain have none: default mem0, langchain',
      check: isNamespace,
    },
    session: { value: 'ID', help: 'of messages of langchain that name none' },
    ...principalOptions,
    ...embedderOptions,
  },
  examples: [
    ['import ./memory memories.jsonl', "what export wrote; ids, author and times of writing are the new store's own"],
    ['export ./a | multi-agent-memory import ./b', 'from one store into another'],
    ['import ./memory mem0.json --from=mem0 --namespace=assistant', 'what get_all of mem0 gave'],
    ['import ./memory store.json --from=langgraph', 'rows of PostgresStore, for MemoryHandleStore'],
    ['import ./memory messages.json --from=langchain --session=s-1', 'messages, for MemoryHandleChatHistory'],
  ],
  problems: (line) =>
    line.text('session') !== undefined && line.text('from') !== 'langchain'
      ? ['--session goes with --from=langchain.']
      : [],
  run: (line, terminal) => {
    const [, file] = line.args;
    const { signal } = terminal;
    const namespace = line.text('namespace');
    const sessionId = line.text('session');
    const read = formatOf(line, {
      ...(namespace === undefined ? {} : { namespace: namespaceOf(namespace) }),
      ...(sessionId === undefined ? {} : { sessionId }),
      principal: principalOf(line),
    });
    return writing(
      line,
      terminal,
      async (_, handle) => {
        const source = file === undefined || file === '-' ? terminal.input : createReadStream(file, { signal });
        const lines = read.document === undefined ? jsonLines(source) : read.document(source);
        const total = await importLines(handle, lines, read, terminal);
        return total.failed === 0 ? done : failed;
      },
      { isNew: true },
    );
  },
};
