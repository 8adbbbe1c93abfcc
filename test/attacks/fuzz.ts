/**
 * Calls the library with random arguments: `npm run test:fuzz -- --minutes 10`. Each call must end within a minute, with a result or
 * with a `MemoryError`. Goes through handles, a connection, the tools of an MCP server, and the import of files. Prints what it found,
 * and exits with 1 for each raw error or call that does not end.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, parseArgs } from 'node:util';
import fc from 'fast-check';
import { allow, MemoryError, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { runProgram } from '../../src/cli/program';
import { startStopwatch } from '../../src/environment/timers';
import { connected } from '../integrations/mcp/test-client';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const longestCallMs = 60_000;

const words = [
  'namespace',
  'text',
  'tags',
  'metadata',
  'filter',
  'and',
  'or',
  'not',
  'in',
  'contains',
  'eq',
  'key',
  'id',
  'limit',
];
const moreWords = [
  'cursor',
  'topK',
  'mode',
  'asOf',
  'include',
  'expired',
  'n',
  '__proto__',
  'constructor',
  'toString',
  'length',
];
const word = fc.constantFrom(...words, ...moreWords);
const leaf = fc.oneof(
  word,
  fc.string({ maxLength: 30 }),
  fc.double(),
  fc.integer({ min: -3, max: 2_000 }),
  fc.boolean(),
  fc.constantFrom<unknown>(
    null,
    undefined,
    Number.NaN,
    1n,
    Symbol('s'),
    () => 1,
    new Date(Number.NaN),
    new Map(),
    Promise.resolve(),
  ),
  fc.constantFrom<unknown>(
    'x'.repeat(100_000),
    Array(5_000).fill(1),
    new Float32Array(3),
    '\u{d800}',
    '\u0000',
    '\u202e',
  ),
);
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5, withCrossShrink: false },
    leaf,
    fc.dictionary(word, tie('any'), { maxKeys: 4 }),
    fc.array(tie('any'), { maxLength: 4 }),
  ),
})).any;
/** Options that are nearly right, so that calls get past the first check. */
const nearlyRight = fc.oneof(
  value,
  fc.record(
    { namespace: fc.constant(['n']), tags: fc.array(word), metadata: fc.dictionary(word, leaf) },
    { requiredKeys: [] },
  ),
  fc.record({ filter: value, limit: fc.integer({ min: 1, max: 3 }) }, { requiredKeys: [] }),
  fc.record(
    { filter: fc.record({ metadata: fc.dictionary(word, value) }), topK: fc.constant(3) },
    { requiredKeys: [] },
  ),
);

const methods = [
  'remember',
  'rememberMany',
  'recall',
  'get',
  'history',
  'list',
  'count',
  'namespaces',
  'update',
  'share',
] as const;
const moreMethods = ['forget', 'forgetWhere', 'stats', 'within', 'watch'] as const;
const tools = ['add_memory', 'search_memories', 'get_memory', 'list_memories', 'update_memory', 'delete_memory'];

async function callMethod(handle: MemoryHandle, method: string, args: readonly unknown[]): Promise<void> {
  const target = handle as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  const result = await target[method]?.(...args);
  if (method !== 'watch') return;
  const iterator = (result as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  const next = iterator.next();
  await iterator.return?.();
  await next;
}

const problems: string[] = [];
let calls = 0;

/** Runs one call, and keeps a problem if it ends with a raw error or does not end. */
async function run(what: string, call: () => Promise<unknown>): Promise<void> {
  calls++;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), longestCallMs);
  });
  try {
    if ((await Promise.race([call(), late])) === 'late') problems.push(`${what} did not end`);
  } catch (error) {
    if (!MemoryError.is(error))
      problems.push(`${what} ended with ${String((error as Error)?.stack ?? error).slice(0, 500)}`);
  } finally {
    clearTimeout(timer);
  }
}

async function runTool(client: Awaited<ReturnType<typeof connected>>, name: string, given: unknown): Promise<void> {
  // What JSON cannot hold does not reach a server.
  const json = JSON.parse(
    JSON.stringify(given, (_, each) => (typeof each === 'bigint' ? String(each) : each)) ?? 'null',
  );
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  const result = await client.callTool({ name, arguments: isObject ? json : { json } });
  if (result.isError === true && !JSON.stringify(result.content).includes('code'))
    throw new Error('an error without a code');
}

async function runImport(folder: string, given: unknown): Promise<void> {
  const file = join(folder, 'import.jsonl');
  writeFileSync(file, `${JSON.stringify({ text: 'x', namespace: ['n'] })}\n${inspect(given)}\n{"text":`);
  const errors: string[] = [];
  const terminal = {
    print: async () => undefined,
    printError: (line: string) => errors.push(line),
    input: (async function* () {})(),
    signal: new AbortController().signal,
  };
  await runProgram(['import', join(folder, 'imported'), file], terminal, '0');
  const raw = errors.find((line) => /^(Type|Range|Reference|Syntax)?Error:/.test(line));
  if (raw !== undefined) throw new Error(raw);
}

const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
const store = await MemoryStore.open(join(folder, 'memory'), {
  serve: true,
  access: [allow('everyone', 'administrator', ['n'])],
});
const connection = await MemoryStore.connect(join(folder, 'memory'));
const principal = { agentId: 'a' };
const handles: [string, MemoryHandle][] = [
  ['handle', store.as(principal, { namespace: ['n'] })],
  ['connected handle', connection.as(principal, { namespace: ['n'] })],
  ['admin', store.admin],
];
const serverErrors: unknown[] = [];
const client = await connected(store.as(principal, { namespace: ['n'] }), {
  onError: (error) => serverErrors.push(error),
});
const elapsedMs = startStopwatch();
const inputs = fc.tuple(
  fc.constantFrom(...methods, ...moreMethods),
  fc.constantFrom(...tools),
  nearlyRight,
  nearlyRight,
);
for (let round = 0; elapsedMs() < minutes * 60_000 && problems.length < 20; round++) {
  const [input] = fc.sample(inputs, { seed: (seed + round) | 0, numRuns: 1 });
  if (input === undefined) continue;
  const [method, tool, first, second] = input;
  const at = `round ${round}:`;
  for (const [name, handle] of handles) {
    await run(`${at} ${method} of the ${name}`, () => callMethod(handle, method, [first, second]));
    await run(`${at} ${method} of the ${name}`, () => callMethod(handle, method, ['some text', first]));
  }
  await run(`${at} tool ${tool}`, () => runTool(client, tool, first));
  if (round % 100 === 0) await run(`${at} import`, () => runImport(folder, second));
}
await client.close();
await connection.close();
await store.close();
rmSync(folder, { recursive: true, force: true });
console.log(`${calls} calls in ${Math.round(elapsedMs() / 1_000)} s, seed ${seed}: ${problems.length} problems.`);
for (const problem of problems) console.error(`  ${problem}`);
for (const error of serverErrors.slice(0, 20)) console.error('  The MCP server reported', error);
process.exitCode = problems.length === 0 ? 0 : 1;
