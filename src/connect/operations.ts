import { toRuleInForce } from '../domain/declaration';
import type { Memory } from '../domain/memory';
import { parse } from '../domain/parse/parse';
import { parsedScopeOf } from '../domain/parse/parse-selection';
import { emptyScope, narrowScope } from '../domain/scope';
import { nextTurn } from '../environment/timers';
import { stillListed } from '../recall/list';
import type { Reader } from '../recall/read-context';
import { isKnownTo, withoutHiddenLinks } from '../recall/recheck';
import { cursorOfNow } from '../recall/watch';
import { noSuchMemory } from '../state/apply/apply-update';
import type { StoreAudit } from '../store/audit-handle';
import type { Engine } from '../store/composition/engine';
import type { Lifetime } from '../store/lifetime';
import { PrincipalHandle } from '../store/principal-handle';
import { type BatchResult, tallied } from '../write/remember-many';
import type { Author } from '../write/write-context';
import { encodeError } from './encoded-errors';
import type { Done, RequestDedup } from './request-dedup';
import { Upload } from './upload';

/** What of a store its host asks for, beside the handles. */
export interface HostCalls {
  readonly audit: Pick<StoreAudit, 'verify' | 'checkpoint' | 'retain'>;
  settled(...args: never[]): Promise<void>;
  stats(): Promise<unknown>;
  backup(...args: never[]): Promise<void>;
  verify(...args: never[]): Promise<unknown>;
}

/** What a holder serves. */
export interface Served {
  readonly engine: Engine;
  readonly lifetime: Lifetime;
  readonly host: HostCalls;
  readonly once: RequestDedup;
}

/** What belongs to one connection. */
export interface Belongings {
  readonly streams: Map<number, AsyncIterator<unknown>>;
  readonly uploads: Map<number, Upload>;
}

/** One call of another process. */
export interface Asked extends Served, Belongings {
  readonly author: Author;
  readonly args: readonly unknown[];
}

type Operation = (asked: Asked) => unknown;
type Method = (...args: readonly unknown[]) => unknown;

/** Everything that can be asked of a holder, by its name on the wire. */
export const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ...['recall', 'get', 'history', 'list', 'count', 'namespaces', 'stats', 'forgetWhere'].map(
    (name): [string, Operation] => [name, (asked) => call(handleOf(asked), name, asked)],
  ),
  ...['list', 'explain'].map((name): [string, Operation] => [
    `access.${name}`,
    (asked) => call(handleOf(asked).access, name, asked),
  ]),
  ['audit.query', (asked) => call(handleOf(asked).audit, 'query', asked)],
  ...['settled', 'stats', 'backup', 'verify'].map((name): [string, Operation] => [
    `store.${name}`,
    (asked) => call(asked.host, name, asked),
  ]),
  ...['verify', 'checkpoint', 'retain'].map((name): [string, Operation] => [
    `store.audit.${name}`,
    (asked) => call(asked.host.audit, name, asked),
  ]),

  write('remember', handleOf, 'remember', (done) => done.type === 'remember' && done.remembered[0]),
  write('update', handleOf, 'update', memoryDone),
  write('share', handleOf, 'share', memoryDone),
  write('forget', handleOf, 'forget', (done) => done.type === 'forget' && done.forgotten.length > 0),
  ...['allow', 'deny', 'clear', 'role', 'group'].map((name) =>
    write(`access.${name}`, accessOf, name, (done) => done.type === 'add-declaration' && toRuleInForce(done.declared)),
  ),
  write('access.end', accessOf, 'end', (done) => done.type === 'end-declaration' && done.ended),
  ['rememberEach', rememberEach],
  ['rememberAll', rememberAll],
  ['items', items],

  ['list.from', listFrom],
  ['list.shown', listShown],
  ['watch.now', watchNow],
  ['watch.next', (asked) => next(asked, () => call(handleOf(asked), 'watch', { args: asked.args.slice(1) }))],
  ['audit.next', auditNext],
  ['leave', ({ streams, args: [stream] }) => leave(streams, stream as number)],
]);

/** Those that wait for something else than the store. */
export const waiting: ReadonlySet<string> = new Set(['rememberAll', 'items', 'watch.next', 'leave']);

function handleOf({ engine, lifetime, author }: Asked): PrincipalHandle {
  return new PrincipalHandle(engine, lifetime, author.actor, author.scope, author.request);
}

function accessOf(asked: Asked) {
  return handleOf(asked).access;
}

function readerOf({ engine, author }: Asked): Reader {
  return { actor: author.actor, scope: author.scope, readables: engine.readables };
}

function call(target: object, method: string, { args }: Pick<Asked, 'args'>): unknown {
  return (target as Readonly<Record<string, Method>>)[method]?.call(target, ...args);
}

function write(
  name: string,
  targetOf: (asked: Asked) => object,
  method: string,
  answerOf: (done: Done, asked: Asked) => unknown,
): [string, Operation] {
  const operation: Operation = (asked) => {
    const run = async () => call(targetOf(asked), method, asked);
    const { request } = asked.author;
    return request === undefined ? run() : asked.once.run(request, run, (done) => answerOf(done, asked));
  };
  return [name, operation];
}

function memoryDone(done: Done, asked: Asked): Memory | false {
  if (!('memory' in done)) return false;
  const [context, reader] = [asked.engine.reading(), readerOf(asked)];
  // Meanwhile it may have been taken from whoever asks again.
  if (!isKnownTo(context, reader, done.memory.id)) throw noSuchMemory(done.memory.id);
  return withoutHiddenLinks(context, reader, done.memory);
}

async function rememberEach(asked: Asked): Promise<unknown> {
  const run = () => call(handleOf(asked), 'rememberMany', asked) as Promise<BatchResult>;
  const { request } = asked.author;
  return carried(await (request === undefined ? run() : asked.once.runEach(request, run)));
}

/** All or none: the items come by calls of their own. */
async function rememberAll(asked: Asked): Promise<unknown> {
  const [id, options] = asked.args as [number, object];
  const upload = new Upload();
  asked.uploads.set(id, upload);
  try {
    const run = () => call(handleOf(asked), 'rememberMany', { args: [upload, options] }) as Promise<BatchResult>;
    const { request } = asked.author;
    const answerOf = (done: Done) => tallied(done.type === 'remember' ? done.remembered : []);
    return carried(await (request === undefined ? run() : asked.once.run(request, run, answerOf)));
  } finally {
    asked.uploads.delete(id);
    upload.end();
  }
}

async function items({ uploads, args: [id, from, given, isLast] }: Asked): Promise<number | undefined> {
  const upload = uploads.get(id as number);
  const wanted = await upload?.push(from as number, given as readonly unknown[], isLast === true);
  // After the answer to the call that they are for: who has this one has both, and need not send them to another holder.
  if (wanted === undefined) await nextTurn();
  return wanted;
}

/** A page, with the state of the store from which on its items have to be looked at again. */
async function listFrom(asked: Asked): Promise<unknown> {
  const version = asked.engine.version();
  return { version, page: await call(handleOf(asked), 'list', asked) };
}

/** An item of a page as it may be shown now: true where nothing has changed. */
function listShown(asked: Asked): unknown {
  const [item, version] = asked.args as [Pick<Memory, 'id' | 'state'>, string];
  const { engine } = asked;
  return engine.version() === version || stillListed(engine.reading(), readerOf(asked), item);
}

/** The cursor with which a watch that begins now is begun, and begun anew. */
function watchNow(asked: Asked): string {
  const { engine } = asked;
  const [options] = asked.args as [object];
  // What makes no sense is refused, and written down.
  handleOf(asked).watch(options);
  const { since: _, signal: __, ...scope } = parse(engine.shapes.watch, options, 'The options');
  const reader = readerOf(asked);
  const bound = narrowScope(reader.scope, parsedScopeOf(scope));
  return bound === emptyScope ? 'start' : cursorOfNow(engine.reading(), { ...reader, scope });
}

async function auditNext(asked: Asked): Promise<unknown> {
  const [, kind, question, shown] = asked.args as [number, 'query' | 'export', object, number];
  // The place in it was lost with the holder.
  if (shown > 0 && !asked.streams.has(asked.args[0] as number)) return 'lost';
  return next(asked, () => call(handleOf(asked).audit, kind, { args: [question] }));
}

/** The next item of a stream, which is begun where it is not there. */
async function next({ streams, args: [id] }: Asked, begin: () => unknown): Promise<IteratorResult<unknown>> {
  const stream = id as number;
  let iterator = streams.get(stream);
  if (iterator === undefined) {
    iterator = (begin() as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    streams.set(stream, iterator);
  }
  try {
    const result = await iterator.next();
    if (result.done === true) streams.delete(stream);
    return { done: result.done === true, value: result.value };
  } catch (error) {
    streams.delete(stream);
    throw error;
  }
}

async function leave(streams: Belongings['streams'], stream: number): Promise<void> {
  const iterator = streams.get(stream);
  streams.delete(stream);
  await iterator?.return?.();
}

function carried({ results, ...figures }: BatchResult): unknown {
  return { ...figures, results: results.map((each) => (each.ok ? each : { ...each, error: encodeError(each.error) })) };
}
