import type { MemoryStore } from 'multi-agent-memory';
import { questionOf, type Ticket } from './shared/corpus';
import { median } from './shared/figures';
import { type Question, samples } from './shared/question';
import { type Row, row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, interleaved, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const goal = { ratioAtMost: 1.15 };
const agent = { agentId: 'agent' };
const audits = ['off', 'batched', 'durable'] as const;

type Audit = (typeof audits)[number];
type Read = (store: MemoryStore<Ticket>, i: number) => Promise<unknown>;

/** Reads with an audit of reads, against reads without one. Each setting has its own store, so that all have equal caches. */
export const auditReads: Question = {
  name: 'audit-reads',
  asks: 'What do reads cost with a batched and with a durable audit, compared with no audit of reads?',
  async run(setting) {
    const vectors = new Vectors(setting.memories);
    const stores: Partial<Record<Audit, MemoryStore<Ticket>>> = {};
    for (const reads of audits) {
      const store = await openStore(await copyOfLoaded(setting), { audit: { reads } });
      await store.settled();
      stores[reads] = store;
    }
    const some = await stores.off?.admin.list({ limit: 1_000 });
    const ids = some?.items.map(({ id }) => id) ?? [];
    const recall = (mode: 'hybrid' | 'semantic'): Read => {
      const questions = Array.from({ length: perBlock(setting, 150) }, (_, i) => questionOf(vectors, i));
      return async (store, i) => {
        const { words, vector } = questions[i % questions.length] as (typeof questions)[number];
        await store.as(agent).recall(words, { mode, vector });
      };
    };
    const reads: [string, number, Read][] = [
      ['hybrid recall', 150, recall('hybrid')],
      ['semantic recall', 300, recall('semantic')],
      ['get', 5_000, async (store, i) => void (await store.as(agent).get(ids[i % ids.length] as string))],
    ];
    const rows: Row[] = [];
    for (const [name, count, read] of reads) {
      const ms = await measure(stores as Record<Audit, MemoryStore<Ticket>>, perBlock(setting, count), read);
      const baseline = median(ms.off);
      const of = (audit: Audit) => ({ name: `audit-reads, ${name}, ${audit}`, value: median(ms[audit]), unit: 'ms' });
      rows.push(row({ ...of('batched'), baseline, goal }), row({ ...of('durable'), baseline }));
    }
    for (const store of Object.values(stores)) await store.close();
    return rows;
  },
};

function perBlock(setting: Parameters<typeof samples>[0], full: number): number {
  return samples(setting, full, 2);
}

const blocks = 8;

/**
 * The mean milliseconds of a read in each block. A block includes the writing of all its audit entries and a checkpoint, because the
 * median of single reads would not show work that happens once a second.
 */
async function measure(stores: Record<Audit, MemoryStore<Ticket>>, count: number, read: Read) {
  const ms: Record<Audit, number[]> = { off: [], batched: [], durable: [] };
  const block = async (audit: Audit) => {
    const store = stores[audit];
    const spent = await milliseconds(async () => {
      for (let i = 0; i < count; i++) await read(store, i);
      await store.audit.checkpoint();
    });
    ms[audit].push(spent / count);
  };
  for (const audit of audits) await block(audit);
  for (const audit of audits) ms[audit].length = 0;
  await calm();
  for (let i = 0; i < blocks; i++) {
    await interleaved(
      i,
      () => block('off'),
      () => block('batched'),
    );
    await block('durable');
  }
  return ms;
}
