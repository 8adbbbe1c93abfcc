import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { MemoryHandle } from 'multi-agent-memory';
import { PeerUnavailable } from './peers/peer';
import { bytesOf, type ScopeColumns, SqliteVec, type VisiblePart } from './peers/sqlite-vec';
import type { Ticket } from './shared/corpus';
import { ticketsOf } from './shared/exhaustive';
import { median } from './shared/figures';
import { nearest, nearestOnly } from './shared/nearest';
import { type Question, samples } from './shared/question';
import { readerRules as access, type Reader, readers, visibleTo } from './shared/readers';
import { type Row, row } from './shared/row';
import { breadth } from './shared/scopes';
import { Side } from './shared/side';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, interleaved } from './shared/timing';
import { Vectors } from './shared/vectors';

const warmUp = 10;
// Rules compile to any set of namespaces and tags, like a filter on metadata columns. A table can have four partition keys, which suit
// searches that name the same columns each time: the figures against them show the distance to a store that is made for one query.
const columns: readonly ScopeColumns[] = ['columns', 'partitions'];
const parts: Readonly<Record<string, VisiblePart>> = {
  '0.02 %': { tenants: 1, team: 0, project: 0, tagSet: 0 },
  '0.1 %': { tenants: 1, team: 0, project: 0 },
  '1 %': { tenants: 1, team: 0 },
  '10 %': { tenants: 1 },
  '50 %': { tenants: breadth / 2 },
};

/** Semantic search over a small visible share, against sqlite-vec with a filter of the same share. */
export const peersNarrow: Question = {
  name: 'peers-narrow',
  asks: 'What does a semantic recall cost if 0.02 to 50 % of the memories are visible, compared with sqlite-vec with a filter?',
  async run(setting) {
    const vectors = new Vectors(setting.memories);
    const all = Array.from({ length: setting.memories }, (_, ticket) => vectors.of(ticket));
    const tables: [ScopeColumns, SqliteVec][] = [];
    try {
      for (const each of columns) {
        tables.push([each, new SqliteVec(await mkdtemp(join(setting.folder, 'peer-')), all, each)]);
      }
    } catch (error) {
      if (error instanceof PeerUnavailable) return { rows: [], skippedPeers: { 'sqlite-vec': error.message } };
      throw error;
    }
    const store = await openStore(await copyOfLoaded(setting, 'scopes'), { access });
    await store.settled();
    const questions = Array.from({ length: warmUp + samples(setting, 100) }, (_, i) => vectors.ofQuestion(i));
    const rows: Row[] = [];
    for (const reader of readers) {
      const handle = store.as({ agentId: reader.sees });
      for (const [kind, table] of tables) {
        rows.push(...(await compared(handle, table, { reader, kind, questions, all })));
      }
    }
    await store.close();
    for (const [, table] of tables) table.close();
    return rows;
  },
};

interface Comparison {
  readonly reader: Reader;
  readonly kind: ScopeColumns;
  readonly questions: readonly Float32Array[];
  readonly all: readonly Float32Array[];
}

async function compared(
  handle: MemoryHandle<Ticket>,
  table: SqliteVec,
  { reader, kind, questions, all }: Comparison,
): Promise<Row[]> {
  const ours = new Side<Float32Array>(async (vector) =>
    ticketsOf(await handle.recall('nearest', { ...nearestOnly, vector })),
  );
  const find = table.nearestIn(parts[reader.sees]);
  const theirs = new Side<Uint8Array>((bytes) => find(bytes));
  for (const question of questions.slice(0, warmUp)) {
    await ours.search(question);
    await theirs.search(bytesOf(question));
  }
  await calm();
  const asked = questions.slice(warmUp);
  for (const [i, question] of asked.entries()) {
    await interleaved(
      i,
      () => ours.ask(question),
      () => theirs.ask(bytesOf(question)),
    );
  }
  const tickets = visibleTo(reader, all.length);
  const visible = tickets.map((ticket) => all[ticket] as Float32Array);
  const truth = asked.map((question) => nearest(visible, question, 10).map((at) => tickets[at] as number));
  const name = `peers-narrow, ${reader.sees} visible`;
  const [value, baseline] = [median(ours.ms), median(theirs.ms)];
  const goal = kind === 'columns' ? { goal: { ratioAtMost: 0.1, recallAtLeast: 0.99 } } : {};
  return [
    row({ name: `${name}, against ${kind}`, value, baseline, unit: 'ms', recall: ours.recall(truth), ...goal }),
    row({ name: `${name}, ${kind}`, value: baseline, unit: 'ms', recall: theirs.recall(truth) }),
  ];
}
