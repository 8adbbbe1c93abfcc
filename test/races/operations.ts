import { MemoryError, type MemoryHandle } from 'multi-agent-memory';
import type { Ability, Ground, Target } from './revocations';

/** The memories that one call returned, and the changes that it reports. */
export interface Outcome {
  /** The ids of the memories that the call returned. */
  readonly shown: readonly string[];
  /** The result of a change. Absent for a read. */
  readonly change?: 'done' | 'refused';
  /** Texts that must be in the store if the change was done, and must not be there if it was refused. */
  readonly texts?: readonly string[];
  /** The ids of new memories. */
  readonly made?: readonly string[];
  readonly forgotten?: readonly string[];
}

/** A call by the reader. All its texts contain `word`, so that a gate can hold the call. */
export interface Operation {
  readonly name: string;
  /** The action that the call requires in addition to reading. */
  readonly takes?: Ability;
  /** The memory that the call changes. */
  readonly target?: Target;
  /** True if the call writes a memory with the access tag `pii`. */
  readonly tags?: boolean;
  readonly isGated: boolean;
  run(handle: MemoryHandle, ground: Ground, word: string): Promise<Outcome>;
}

const refusals = new Set(['FORBIDDEN', 'NOT_FOUND', 'REVISION_CONFLICT']);

/** Runs a change and returns its outcome, also if it was refused. */
async function changing(texts: readonly string[], call: () => Promise<Partial<Outcome>>): Promise<Outcome> {
  try {
    return { shown: [], change: 'done', texts, ...(await call()) };
  } catch (error) {
    if (MemoryError.is(error) && refusals.has(error.code)) return { shown: [], change: 'refused', texts };
    throw error;
  }
}

function idsOf(list: readonly { readonly id: string }[]): string[] {
  return list.map(({ id }) => id);
}

const recalls = (['hybrid', 'semantic', 'keyword'] as const).map(
  (mode): Operation => ({
    name: `recall ${mode}`,
    isGated: mode !== 'keyword',
    run: async (handle, { namespace }, word) => ({
      shown: idsOf(await handle.recall(`note ${word}`, { mode, namespace, topK: 50, distinct: false })),
    }),
  }),
);

const reads: readonly Operation[] = [
  ...recalls,
  {
    name: 'list',
    isGated: false,
    run: async (handle, { namespace }) => ({ shown: idsOf((await handle.list({ namespace })).items) }),
  },
  {
    name: 'get',
    isGated: false,
    async run(handle, { memories }) {
      const found = await Promise.all(Object.values(memories).map((id) => handle.get(id)));
      return { shown: found.flatMap((memory) => memory?.id ?? []) };
    },
  },
  {
    name: 'get by key',
    isGated: false,
    async run(handle, { namespace }) {
      const found = await handle.get({ namespace, key: 'key' });
      return { shown: found === undefined ? [] : [found.id] };
    },
  },
  {
    name: 'history',
    isGated: false,
    async run(handle, { memories }) {
      const all = await Promise.all(Object.values(memories).map((id) => handle.history(id)));
      return { shown: all.flatMap(idsOf) };
    },
  },
  {
    name: 'forgetWhere, dry',
    isGated: false,
    run: async (handle, { namespace }) => ({ shown: (await handle.forgetWhere({ namespace }, { dryRun: true })).ids }),
  },
];

const changes: readonly Operation[] = [
  {
    name: 'remember',
    takes: 'write',
    isGated: true,
    run: (handle, { namespace }, word) =>
      changing([`note ${word}`], async () => ({
        made: [(await handle.remember(`note ${word}`, { namespace })).id],
      })),
  },
  {
    name: 'remember under a key',
    takes: 'write',
    target: 'keyed',
    isGated: true,
    run: (handle, { namespace }, word) =>
      changing([`note ${word}`], async () => {
        await handle.remember(`note ${word}`, { namespace, key: 'key' });
        return {};
      }),
  },
  {
    name: 'remember tagged',
    takes: 'write',
    tags: true,
    isGated: true,
    run: (handle, { namespace }, word) =>
      changing([`note ${word}`], async () => ({
        made: [(await handle.remember(`note ${word}`, { namespace, accessTags: ['pii'] })).id],
      })),
  },
  {
    name: 'rememberMany, all or none',
    takes: 'write',
    isGated: true,
    run: (handle, { namespace }, word) => {
      const texts = [`note ${word} 1`, `note ${word} 2`];
      return changing(texts, async () => {
        const items = texts.map((text) => ({ text, namespace }));
        const { results } = await handle.rememberMany(items, { atomic: true });
        return { made: results.flatMap((each) => (each.ok ? [each.id] : [])) };
      });
    },
  },
  {
    name: 'supersede',
    takes: 'write',
    target: 'moving',
    isGated: true,
    run: (handle, { namespace, memories }, word) =>
      changing([`note ${word}`], async () => ({
        made: [(await handle.remember(`note ${word}`, { namespace, supersedes: memories.moving })).id],
      })),
  },
  {
    name: 'update',
    takes: 'update',
    target: 'plain',
    isGated: true,
    run: (handle, { memories }, word) =>
      changing([`note ${word}`], async () => ({
        shown: [(await handle.update(memories.plain, { text: `note ${word}` })).id],
      })),
  },
  {
    name: 'update of what is tagged',
    takes: 'update',
    target: 'tagged',
    isGated: true,
    run: (handle, { memories }, word) =>
      changing([`note ${word}`], async () => ({
        shown: [(await handle.update(memories.tagged, { text: `note ${word}` })).id],
      })),
  },
  {
    name: 'forget',
    takes: 'forget',
    target: 'plain',
    isGated: false,
    run: (handle, { memories }) =>
      changing([], async () =>
        (await handle.forget(memories.plain)) ? { forgotten: [memories.plain] } : { change: 'refused' },
      ),
  },
  {
    name: 'forgetWhere',
    takes: 'forget',
    isGated: false,
    run: (handle, { namespace }) =>
      changing([], async () => {
        const { ids } = await handle.forgetWhere({ namespace, tags: ['old'] }, { dryRun: false });
        return ids.length > 0 ? { forgotten: ids } : { change: 'refused' };
      }),
  },
  {
    name: 'share',
    takes: 'share',
    target: 'tagged',
    isGated: false,
    run: (handle, { memories, namespace }) =>
      changing([], async () => ({
        shown: [(await handle.share(memories.tagged, { namespace: [...namespace, 'below'] })).id],
      })),
  },
];

export const operations: readonly Operation[] = [...reads, ...changes];
