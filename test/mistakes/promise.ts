import { rejects } from 'node:assert/strict';
import {
  allow,
  builtInEmbedder,
  clear,
  type Declaration,
  deny,
  type Embedder,
  type Memory,
  type MemoryHandle,
  type MemoryStore,
  type Quotas,
} from 'multi-agent-memory';

/** Something that the rules promise, shown by one short story. */
export interface Promised {
  readonly name: string;
  run(stage: Stage): Promise<void>;
}

/** A store, those who share a shelf in it, and every text that was embedded. */
export interface Stage {
  readonly store: MemoryStore;
  readonly ann: MemoryHandle;
  readonly wes: MemoryHandle;
  readonly embedded: string[];
  /** Lets time pass. */
  advance(ms: number): void;
}

/** Ann reads and writes on a shelf, wes does everything anywhere; amy and abe administer, aud audits. */
export const access: readonly Declaration[] = [
  allow({ agentId: 'ann' }, 'writer', ['open']),
  allow({ agentId: 'ann' }, ['write'], ['box']),
  allow({ agentId: 'wes' }, 'curator', []),
  clear({ agentId: 'wes' }, 'secret', []),
  allow({ agentId: 'amy' }, ['administer', 'read', 'share'], ['open']),
  allow({ agentId: 'abe' }, ['administer', 'read'], []),
  allow({ agentId: 'aud' }, ['audit', 'read'], ['open']),
  deny({ agentId: 'abe' }, ['read'], ['open', 'vip']),
];
/** Only kim has quotas. */
export const quotas: Quotas = {
  principals: [{ principal: { agentId: 'kim' }, memories: 2, bytes: 60, namespaces: 1, tags: 2, watches: 1 }],
};
/** The shelf, and what lies there under an access tag that only wes has. */
export const open = { namespace: ['open'] };
export const secret = { ...open, accessTags: ['secret'] };

/** The built-in embedder, that writes down which texts it is given. */
export function listening(heard: string[]): Embedder {
  const { space, maxTokens, embedDocuments, embedQuery } = builtInEmbedder();
  return {
    space,
    maxTokens,
    embedDocuments: (texts, call) => {
      heard.push(...texts);
      return embedDocuments(texts, call);
    },
    embedQuery,
  };
}

/** Sorted. */
export function texts(list: readonly { readonly text: string }[]): string[] {
  return list.map(({ text }) => text).sort();
}

/** Everything of every page. */
export async function every(list: AsyncIterable<Memory>): Promise<Memory[]> {
  const found: Memory[] = [];
  for await (const each of list) found.push(each);
  return found;
}

/** Every one of the calls is refused with that code. */
export async function refused(code: string, ...calls: readonly (() => PromiseLike<unknown>)[]): Promise<void> {
  for (const call of calls) await rejects(async () => call(), { code });
}
