import type { MemoryHandle, NewMemory, RememberResult } from 'multi-agent-memory';
import { type Cast, hiddenSubjects } from './cast';
import type { HiddenDeed, SeenDeed } from './deeds';
import { memoryFor, pick, type Stage } from './stage';

/** Runs a visible deed. `beside` is true in the world that also contains hidden memories. */
export async function doSeen(stage: Stage, deed: SeenDeed, beside: boolean): Promise<unknown> {
  const { kind, byReader, text, target, place } = deed;
  const handle = byReader ? stage.reader : stage.writer;
  const id = pick(stage.seen, target);
  const wanted = { namespace: place.namespace, accessTags: place.accessTags ?? [] };
  switch (kind) {
    case 'update':
      return handle.update(id, { text, priority: 0.7 });
    case 'forget':
      return handle.forget(id);
    case 'forget-where':
      return handle.forgetWhere({ namespace: ['open'], tags: ['y'], userId: 'u1' }, { dryRun: false });
    case 'share':
      return handle.share(id, { ...wanted, ...(byReader ? { visibility: place.visibility ?? 'shared' } : {}) });
    case 'close':
      // A memory with a key is not moved, because a hidden memory at its new place might have the same key.
      if (!stage.keyless.has(id)) return undefined;
      return stage.writer.share(id, target % 2 === 0 ? { namespace: ['closed'] } : { accessTags: ['secret'] });
    case 'remember-many':
      return handle.rememberMany([
        { text, ...memoryFor(deed) },
        { text: `${text} too`, ...wanted },
      ]);
    case 'supersede':
      return remember(stage, handle, { text, ...memoryFor(deed), supersedes: id });
    case 'supersede-unseen': {
      const unseen = beside ? await supersedable(stage, target) : undefined;
      const link = unseen === undefined ? {} : { supersedes: unseen };
      const { idempotencyKey: _, ...fields } = deed.fields;
      return remember(stage, stage.writer, { text, ...fields, ...wanted, ...link });
    }
    default:
      return remember(stage, handle, { text, ...memoryFor(deed) });
  }
}

async function remember(stage: Stage, handle: MemoryHandle, { text, ...options }: NewMemory): Promise<RememberResult> {
  const remembered = await handle.remember(text, options);
  stage.made([remembered.id], options.key);
  return remembered;
}

/** Returns the id of a hidden memory that the writer can supersede. Undefined if the chosen memory is not active. */
async function supersedable({ hidden, writer }: Stage, target: number): Promise<string | undefined> {
  const memory = await writer.get(pick(hidden, target));
  return memory?.state === 'active' ? memory.id : undefined;
}

/** Runs a hidden deed, which the reader must not notice. */
export async function doHidden(stage: Stage, deed: HiddenDeed, { administers, audits }: Cast): Promise<unknown> {
  const { kind, text, target, place } = deed;
  // Half of these deeds are done by the host, because other principals cannot change private memories of hidden authors.
  const isByHost = ['update', 'forget', 'share', 'supersede'].includes(kind) && target % 2 === 1;
  const handle = isByHost ? stage.store.admin : stage.doerOf(deed);
  const id = pick(stage.hidden, target);
  const { namespace, accessTags = [], visibility = 'shared' as const } = place;
  switch (kind) {
    case 'update':
      return handle.update(id, { text, tags: ['x'], priority: 1 });
    case 'forget':
      return handle.forget(id);
    case 'forget-where':
      return handle.forgetWhere({ namespace, agentId: 'hal' }, { dryRun: target % 2 === 0 });
    case 'share':
      return handle.share(id, { namespace, accessTags, visibility });
    case 'search':
      // A reader that audits `open` would see an audit entry for a search there, so this search is limited to `closed`.
      return search(audits ? handle.within({ namespace: ['closed'] }) : handle, deed);
    case 'remember-many': {
      const items = [0, 1, 2].map((n) => ({ ...memoryFor(deed), text: `${text} ${'apple '.repeat(n)}` }));
      const { results } = await handle.rememberMany(items, { atomic: target % 2 === 0 });
      return stage.made(
        results.flatMap((each) => (each.ok ? [each.id] : [])),
        deed.fields.key,
      );
    }
    case 'remember':
    case 'supersede': {
      const link = kind === 'supersede' ? { supersedes: id } : {};
      const remembered = await handle.remember(text, { ...memoryFor(deed), ...link });
      return stage.made([remembered.id], deed.fields.key);
    }
    default:
      return govern(stage, deed, administers);
  }
}

/** Searches as another principal, to fill the caches that are kept between calls. */
async function search(handle: MemoryHandle, { text, target }: HiddenDeed): Promise<void> {
  await handle.recall(text, { mode: (['hybrid', 'semantic', 'keyword'] as const)[target % 3] as 'hybrid', topK: 50 });
  await handle.list({ limit: 3, filter: { key: 'k1' } });
  await handle.namespaces();
  await handle.stats();
}

/** Changes rules about other principals, as the host. */
async function govern({ store, rules }: Stage, deed: HiddenDeed, administered: boolean): Promise<void> {
  const { access } = store.admin;
  const { kind, target, about, place } = deed;
  // A reader that administers `open` sees all rules there, so the hidden rule is made elsewhere.
  const at = administered && place.namespace[0] === 'open' ? ['closed'] : place.namespace;
  const subject = hiddenSubjects[about] as (typeof hiddenSubjects)[number];
  if (kind === 'end') {
    await access.end(pick(rules, target));
    return;
  }
  const made =
    kind === 'clear'
      ? await access.clear(subject, (['pii', 'secret', 'new'] as const)[target % 3] as string, at)
      : kind === 'group'
        ? await access.group('night', [subject, { agentId: `only ${target}` }] as Parameters<typeof access.group>[1])
        : kind === 'role'
          ? await access.role('nightly', target % 2 === 0 ? ['read', 'write'] : ['read', 'share'])
          : target % 2 === 0
            ? await access.allow(subject, (['curator', 'reader', ['update']] as const)[target % 3] as string, at)
            : await access.deny(subject, ['write', 'share'], at);
  rules.push(made.id);
}
