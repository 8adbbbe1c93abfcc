import type { StoreContents } from './store-contents';
import type { WorkerMessage, Write, WriteResult } from './worker-messages';

/** What one worker wrote to stdout. */
export interface WorkerOutput {
  readonly name: string;
  readonly messages: readonly WorkerMessage[];
  readonly wasKilled: boolean;
}

export interface Findings {
  /** Writes that were acknowledged. */
  acknowledged: number;
  /** Writes of killed workers that were called and not answered. */
  unanswered: number;
  /** Writes that were lost, done twice or answered wrongly. */
  problems: string[];
}

/** Compares the answers that a worker got with the contents of the store. */
export function checkWorker(output: WorkerOutput, contents: StoreContents, findings: Findings): void {
  const { name, messages, wasKilled } = output;
  const problem = (what: string) => void findings.problems.push(`${name}: ${what}`);
  const results = new Map(messages.flatMap((each) => (each.say === 'ack' ? [[each.n, each.results] as const] : [])));
  const writes = messages.flatMap((each) => (each.say === 'intent' ? [each] : []));
  const forgotten = new Set(writes.flatMap((write) => (write.kind === 'forget' ? [write.id] : [])));
  for (const each of messages) if (each.say === 'failed') problem(`write ${each.n} failed: ${each.error}`);
  for (const write of writes) {
    const acknowledged = results.get(write.n);
    if (acknowledged === undefined) {
      findings.unanswered++;
      if (!wasKilled) problem(`write ${write.n} was not answered`);
    } else findings.acknowledged++;
    checkWrite(write, acknowledged, { contents, forgotten, problem });
  }
  for (const kind of ['key', 'update'] as const) checkOrder(kind, writes, results, problem);
}

interface CheckDeps {
  readonly contents: StoreContents;
  /** The memories that the worker has called `forget` for. */
  readonly forgotten: ReadonlySet<string>;
  problem(what: string): void;
}

function checkWrite(write: Write, results: readonly WriteResult[] | undefined, deps: CheckDeps): void {
  const { contents, forgotten, problem } = deps;
  if (write.kind === 'forget') {
    if (results === undefined) return;
    if (results[0]?.outcome !== 'forgotten')
      problem(`write ${write.n}: forget was answered with ${results[0]?.outcome}`);
    if (contents.histories.has(write.id)) problem(`write ${write.n}: ${write.id} still exists after forget`);
    return;
  }
  const texts = 'text' in write ? [write.text] : write.texts;
  const counts = texts.map((text) => contents.idsOf(text).length);
  if (counts.some((count) => count > 1)) problem(`write ${write.n} (${write.kind}) was done ${counts} times`);
  if (write.kind === 'atomic' && new Set(counts).size > 1) problem(`write ${write.n} was done in part: ${counts}`);
  for (const [i, text] of texts.entries()) {
    const result = results?.[i];
    if (result === undefined) continue;
    const first = contents.histories.get(result.id)?.[0];
    const expected =
      write.kind === 'update' ? 'updated' : write.kind === 'key' && first !== text ? 'revised' : 'stored';
    if (result.outcome !== expected)
      problem(`write ${write.n} (${write.kind}) was answered with ${result.outcome}, expected ${expected}`);
    const found = contents.histories.get(result.id)?.[result.revision - 1];
    if (found !== text && !forgotten.has(result.id))
      problem(`write ${write.n} (${write.kind}) is lost: revision ${result.revision} is ${found}`);
  }
}

/** Writes to one memory must have revisions in the order of their calls. */
function checkOrder(
  kind: 'key' | 'update',
  writes: readonly Write[],
  results: ReadonlyMap<number, readonly WriteResult[]>,
  problem: (what: string) => void,
): void {
  let last = 0;
  for (const write of writes) {
    const revision = write.kind === kind ? results.get(write.n)?.[0]?.revision : undefined;
    if (revision === undefined) continue;
    if (revision <= last) problem(`write ${write.n} (${kind}) has revision ${revision}, after revision ${last}`);
    last = revision;
  }
}
