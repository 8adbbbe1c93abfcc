import type { MemoryHandle, MemorySource, NewMemory, RememberResult } from 'multi-agent-memory';
import { type Cast, hiddenSubjects, type Place } from './cast';
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
    case 'consolidate':
      return consolidate(stage, deed);
    case 'endorse':
      return handle.endorse(id, { as: target % 2 === 0 ? 'standard' : 'reported' });
    case 'undo-consolidation':
      return undoConsolidation(stage);
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

/**
 * Writes some memories and consolidates, as the reader. Another principal might also consolidate memories that the reader may not see.
 */
async function consolidate(stage: Stage, { place: { namespace }, text, target }: SeenDeed): Promise<unknown> {
  const { reader } = stage;
  const { results } = await reader.rememberMany([1, 2, 3].map((n) => ({ text: `${text} ${n}. ${text}.`, namespace })));
  stage.made(
    results.flatMap((each) => (each.ok ? [each.id] : [])),
    undefined,
  );
  const options = { minSources: 2, groupBy: [], ratio: 0.7, facts: target % 4 === 0 };
  const preview = await reader.consolidate({ namespace }, { ...options, dryRun: true });
  const result = await reader.consolidate({ namespace }, { ...options, dryRun: false });
  return [preview, result, target % 3 === 0 ? await undoConsolidation(stage) : undefined];
}

/** Undoes a consolidation of which the reader sees a source. */
async function undoConsolidation({ reader, seen }: Stage): Promise<unknown> {
  for (const id of seen) {
    const [fact] = (await reader.get(id))?.state === 'consolidated' ? await reader.derived(id) : [];
    if (fact !== undefined) return [fact, await reader.undoConsolidation(fact.id)];
  }
  return undefined;
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
export async function doHidden(stage: Stage, deed: HiddenDeed, cast: Cast): Promise<unknown> {
  const low = lowOf(stage, deed, cast);
  if (low !== undefined) return doLow(stage, deed, low);
  const { administers, audits } = cast;
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
    case 'hold':
      // It also concerns memories that the reader sees. What becomes of them must look the same.
      return stage.store.hold({
        matter: text,
        selection: target % 2 === 0 ? { namespace: ['open'] } : { tags: ['x'] },
      });
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
      const remembered = await handle.remember(text, {
        ...memoryFor(deed),
        ...link,
        ...sourcesFor(stage, deed, stage.hidden),
      });
      return stage.made([remembered.id], deed.fields.key);
    }
    default:
      return govern(stage, deed, administers);
  }
}

/** Returns some memories from which a hidden deed makes a new one. */
function sourcesFor({ seen }: Stage, { derives, target }: HiddenDeed, hidden: readonly string[]) {
  const unseen = derives === 'nothing' ? undefined : hidden.at(-1);
  const visible = derives === 'both' ? seen[target % Math.max(1, seen.length)] : undefined;
  return { derivedFrom: [unseen, visible].filter((id) => id !== undefined) };
}

/** Where and how a deed is done with memories that the reader does not see only because it does not trust them. */
interface Low {
  readonly handle: MemoryHandle;
  readonly place: Place;
  readonly source: MemorySource;
}

/** Undefined if the deed is done in a closed place. */
function lowOf(stage: Stage, deed: HiddenDeed, { audits, endorses }: Cast): Low | undefined {
  const { ceilings, minTrust } = stage.caution;
  const { low: place, channel } = deed;
  // A reader that audits `open` sees an entry for each call there.
  if (place === undefined || audits) return undefined;
  if (minTrust === 'standard' && channel !== 'agent') {
    return { handle: stage.doerOf(deed), place, source: { channel } };
  }
  // A reader that may endorse also finds untrusted memories, unless it asks for a trust.
  if (!ceilings || (endorses && minTrust === undefined)) return undefined;
  return { handle: stage.distrusted, place, source: { channel } };
}

/** Writes or changes memories that the reader does not trust, where the reader may read. */
async function doLow(stage: Stage, deed: HiddenDeed, { handle, place, source }: Low): Promise<unknown> {
  const { kind, text, target } = deed;
  const {
    key,
    idempotencyKey: _,
    ...others
  } = { ...deed.fields, ...place, source, ...sourcesFor(stage, deed, stage.low) };
  // An untrusted memory gives up its key. One that only this reader does not trust keeps it, and others revise it.
  const fields = { ...others, ...(key === undefined || handle !== stage.distrusted ? {} : { key }) };
  const id = pick(stage.low, target);
  switch (kind) {
    case 'update':
      return (target % 2 === 0 ? handle : stage.store.admin).update(id, { text, tags: ['x'], priority: 1 });
    case 'forget':
      return handle.forget(id);
    case 'forget-where':
      return handle.forgetWhere({ namespace: place.namespace, agentId: 'dora' }, { dryRun: false });
    case 'share':
      return stage.store.admin.share(id, { namespace: place.namespace, accessTags: place.accessTags ?? [] });
    case 'remember-many': {
      const items = [0, 1, 2].map((n) => ({ ...fields, text: `${text} ${'apple '.repeat(n)}` }));
      const { results } = await handle.rememberMany(items, { atomic: true });
      return stage.madeLow(results.flatMap((each) => (each.ok ? [each.id] : [])));
    }
    default: {
      // What a distrusted principal writes replaces nothing that is more trusted.
      const isDisputed = (kind === 'supersede' || target % 3 === 0) && handle === stage.distrusted;
      const link = isDisputed ? { supersedes: stage.seen.at(-1) ?? 'none' } : {};
      const { id: made } = await handle.remember(text, { ...fields, ...link });
      return stage.madeLow([made]);
    }
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
  if (kind === 'ceiling') {
    const trust = (['untrusted', 'reported', 'verified'] as const)[target % 3] as 'untrusted';
    rules.push((await access.ceiling(subject, trust, at)).id);
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
