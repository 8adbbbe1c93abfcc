import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allow, type ErasureTarget, type MemoryStore } from '../../src/index';

const letters = 14;
const sharedLetters = 3;

/** Letters that nothing else contains, the same in every run. Two of them hardly ever share their first letters, which FTS5 would hide. */
export const canary = (name: string) =>
  [...createHash('sha256').update(name).digest().subarray(0, letters)]
    .map((byte) => String.fromCharCode(97 + (byte % 26)))
    .join('');

/** Somebody who is going to be erased, with a canary in each field. */
export interface Subject {
  readonly name: string;
  readonly target: ErasureTarget;
  readonly ids: readonly string[];
  /** What no byte of the folder may contain afterwards, by the field that has it. */
  readonly canaries: ReadonlyMap<string, string>;
}

const fields = ['text', 'later text', 'metadata', 'tag', 'session', 'key', 'request', 'source', 'forgotten'] as const;

/** Stores memories about, and by, a subject. Every third is erased by its ids, and the others by the user. */
export async function addSubject(store: MemoryStore, name: string, kind: 'user' | 'ids'): Promise<Subject> {
  const canaries = new Map<string, string>(fields.map((field) => [field, canary(`${name} ${field}`)]));
  const of = (field: (typeof fields)[number]) => canaries.get(field) as string;
  const userId = canary(`${name} user`);
  const namespace = ['support'];
  const about = kind === 'user' ? { userId } : {};
  const first = await store.admin.remember(`The first note is ${of('text')}, and nothing else.`, {
    namespace,
    ...about,
    sessionId: of('session'),
    tags: [of('tag'), 'common'],
    metadata: { note: of('metadata'), list: [1, { deep: of('metadata') }] },
    key: of('key'),
    idempotencyKey: of('request'),
    source: { channel: 'document', ref: `file:///${of('source')}` },
  });
  await store.admin.update(first.id, { text: `The second note is ${of('later text')}, and nothing else.` });
  const ids = [first.id];
  const gone = await store.admin.remember(`A note ${of('forgotten')} to forget.`, { namespace, ...about });
  await store.admin.forget(gone.id);
  if (kind === 'ids') return { name, target: { ids: [...ids, gone.id] }, ids, canaries };
  canaries.set('user', userId);
  canaries.set('own text', canary(`${name} own`));
  await store.admin.access.allow({ userId }, 'writer', namespace);
  const own = await store.as({ userId }).remember(`What I think: ${canaries.get('own text')}.`, { namespace });
  await store
    .as({ userId })
    .recall('second note', {})
    .catch(() => undefined);
  return { name, target: { userId }, ids: [...ids, own.id], canaries };
}

/** The canaries that are in some file below a folder, in UTF-8 or UTF-16, with their fields and files. */
export function leaks(folder: string, subjects: readonly Pick<Subject, 'name' | 'canaries'>[]): string[] {
  // The index of words shares the first letters of neighbours.
  const ends = new Map<string, string>();
  for (const { name, canaries } of subjects)
    for (const [field, value] of canaries) ends.set(value.slice(sharedLetters), `${field} of ${name}`);
  const found = new Set<string>();
  const length = letters - sharedLetters;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = readFileSync(join(entry.parentPath, entry.name)).toString('latin1');
    for (const form of [text, text.replaceAll('\0', '')])
      for (const run of form.match(/[a-z]{11,}/g) ?? [])
        for (let at = 0; at + length <= run.length; at++) {
          const leak = ends.get(run.slice(at, at + length));
          if (leak !== undefined) found.add(`${leak} in ${entry.name}`);
        }
  }
  return [...found];
}

export const everybodyWrites = [allow('everyone', 'curator', [])];
