/**
 * Calls the library with random arguments: `npm run test:fuzz -- --minutes 10`. Each call must end within a minute, with a result or
 * with a `MemoryError`. Goes through handles, a connection, the tools of an MCP server, the import of files, streams into `rememberMany`,
 * watches, and crafted folders. Prints what it found, and exits with 1 for each raw error or call that does not end.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
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
const moreMethods = ['forget', 'forgetWhere', 'stats', 'within'] as const;
/** Paths of the methods below `access` and `audit`. */
const deepMethods = [
  ...(['access.allow', 'access.deny', 'access.clear', 'access.role', 'access.group', 'access.end'] as const),
  ...(['access.list', 'access.explain', 'audit.query', 'audit.export'] as const),
] as const;
const tools = ['add_memory', 'search_memories', 'get_memory', 'list_memories', 'update_memory', 'delete_memory'];

type Methods = Record<string, (...args: readonly unknown[]) => unknown>;

async function callMethod(handle: MemoryHandle, path: string, args: readonly unknown[]): Promise<void> {
  const [first = '', second] = path.split('.');
  const target = (second === undefined ? handle : handle[first as 'access' | 'audit']) as unknown as Methods;
  const method = second ?? first;
  // Called on its object, because methods read its private fields.
  const result = await target[method]?.(...args);
  if (method === 'export') for await (const _ of result as AsyncIterable<unknown>) break;
}

/** Options of a watch: right ones, and random ones. */
const watchOptions = fc.oneof(
  fc.record({ since: fc.constantFrom<unknown>('start', 'now', 'AAAA', '', 5) }, { requiredKeys: [] }),
  nearlyRight,
);
const watchSteps = fc.array(fc.constantFrom('next', 'two nexts', 'write', 'abort', 'return', 'throw'), {
  maxLength: 6,
});

/** Takes steps with the iterator of a watch, in any order. Every `next` must end once the watch has ended. */
async function watchInSteps(handle: MemoryHandle, options: unknown, steps: readonly string[]): Promise<void> {
  const ending = new AbortController();
  const given = isPlain(options) ? { ...options, signal: ending.signal } : options;
  const iterator = handle.watch(given as never)[Symbol.asyncIterator]();
  const waiting: Promise<unknown>[] = [];
  const next = () => {
    const step = iterator.next();
    // A later step may make it fail, before anybody waits for it.
    step.catch(() => undefined);
    waiting.push(step);
  };
  for (const step of [...steps, 'return']) {
    if (step === 'next' || step === 'two nexts') next();
    if (step === 'two nexts') next();
    if (step === 'write') await handle.remember(`change ${steps.length}`, { embed: false } as never);
    if (step === 'abort') ending.abort(new MemoryError('NOT_FOUND', 'The test has ended the watch.'));
    if (step === 'return') await iterator.return?.();
    if (step === 'throw') await iterator.throw?.(new MemoryError('NOT_FOUND', 'The test has thrown.'));
  }
  for (const each of await Promise.allSettled(waiting)) if (each.status === 'rejected') throw each.reason;
}

function isPlain(options: unknown): options is object {
  return typeof options === 'object' && options !== null && Object.getPrototypeOf(options) === Object.prototype;
}

const item = fc.oneof(
  nearlyRight,
  fc.record({ text: fc.constantFrom('one', 'two', ''), tags: fc.array(word), embed: fc.constant(false) }),
);
const streamEnds = ['end', 'throw', 'wrong step', 'late return', 'never'] as const;
const streams = fc.record({
  items: fc.array(item, { maxLength: 12 }),
  end: fc.constantFrom(...streamEnds),
  isAsync: fc.boolean(),
  options: fc.oneof(
    fc.record(
      { atomic: fc.boolean(), batchSize: fc.integer({ min: -1, max: 4 }), onProgress: fc.constant(() => undefined) },
      { requiredKeys: [] },
    ),
    value,
  ),
});
type Stream = typeof streams extends fc.Arbitrary<infer T> ? T : never;

/** Stores the items of an iterable that ends in its own way. Errors of the iterable itself are the caller's. */
async function streamInto(handle: MemoryHandle, { items, end, isAsync, options }: Stream): Promise<void> {
  const own = new MemoryError('NOT_FOUND', 'The test has thrown.');
  const ending = new AbortController();
  let i = 0;
  const step = (): unknown => {
    if (i < items.length) return { done: false, value: items[i++] };
    if (end === 'throw') throw own;
    if (end === 'wrong step') return items.length % 2 === 0 ? 5 : null;
    return { done: true, value: undefined };
  };
  const never = () => {
    setTimeout(() => ending.abort(own), 5);
    return new Promise(() => undefined);
  };
  const iterator = {
    next: isAsync ? async () => (i === items.length && end === 'never' ? never() : step()) : step,
    return: () => (end === 'late return' ? Promise.resolve({ done: true }) : { done: true }),
  };
  const iterable = isAsync ? { [Symbol.asyncIterator]: () => iterator } : { [Symbol.iterator]: () => iterator };
  const given = isPlain(options) ? { ...options, signal: ending.signal } : options;
  // Without a signal, a stream that never ends is waited for without end.
  if (end === 'never' && given === options) return;
  await handle.rememberMany(iterable as never, given as never);
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

/** Runs `crafted-folders.ts` in a process of its own. Returns its problems, and whether a folder ended the process or blocked it. */
async function fuzzFolders(minutes: number, seed: number): Promise<string[]> {
  const script = fileURLToPath(new URL('crafted-folders.ts', import.meta.url));
  const words = ['--import', 'tsx', script, '--minutes', `${minutes}`, '--seed', `${seed}`];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<string>((resolve) => child.on('exit', (code, signal) => resolve(`${signal ?? code}`)));
  const found: string[] = [];
  let [round, call] = ['', ''];
  let isComplete = false;
  let timer: NodeJS.Timeout | undefined;
  for await (const text of createInterface({ input: child.stdout })) {
    clearTimeout(timer);
    timer = setTimeout(() => child.kill('SIGKILL'), longestCallMs);
    const line = JSON.parse(text) as { round?: number; call?: string; problem?: string; played?: number };
    if (line.round !== undefined) round = `--seed ${line.round}`;
    if (line.call !== undefined) call = line.call;
    if (line.problem !== undefined) found.push(`crafted folder ${round}: ${line.problem}`);
    if (line.played !== undefined) {
      isComplete = true;
      console.log(`${line.played} crafted folders.`);
    }
  }
  clearTimeout(timer);
  const end = await ended;
  if (!isComplete || end !== '0') found.push(`crafted folder ${round}: ${call} ended the process (${end})`);
  return found;
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
  fc.constantFrom(...methods, ...moreMethods, ...deepMethods),
  fc.constantFrom(...tools),
  nearlyRight,
  nearlyRight,
  fc.record({ options: watchOptions, steps: watchSteps, stream: streams }),
);
// Crafted folders take a fifth of the time.
for (let round = 0; elapsedMs() < minutes * 60_000 * 0.8 && problems.length < 20; round++) {
  const [input] = fc.sample(inputs, { seed: (seed + round) | 0, numRuns: 1 });
  if (input === undefined) continue;
  const [method, tool, first, second, { options, steps, stream }] = input;
  const at = `round ${round}:`;
  for (const [name, handle] of handles) {
    await run(`${at} ${method} of the ${name}`, () => callMethod(handle, method, [first, second]));
    await run(`${at} ${method} of the ${name}`, () => callMethod(handle, method, ['some text', first]));
    await run(`${at} watch of the ${name}, ${steps}`, () => watchInSteps(handle, options, steps));
    await run(`${at} stream into the ${name}, ${stream.end}`, () => streamInto(handle, stream));
  }
  await run(`${at} tool ${tool}`, () => runTool(client, tool, first));
  if (round % 100 === 0) await run(`${at} import`, () => runImport(folder, second));
}
if (problems.length < 20) problems.push(...(await fuzzFolders(minutes / 5, seed)));
await client.close();
await connection.close();
await store.close();
rmSync(folder, { recursive: true, force: true });
console.log(`${calls} calls in ${Math.round(elapsedMs() / 1_000)} s, seed ${seed}: ${problems.length} problems.`);
for (const problem of problems) console.error(`  ${problem}`);
for (const error of serverErrors.slice(0, 20)) console.error('  The MCP server reported', error);
process.exitCode = problems.length === 0 ? 0 : 1;
