import assert from 'node:assert/strict';
import { type Call, type Content, namespaceOf, type Remembered } from './calls';
import { contentsOf } from './lane';
import { isIdempotent, type Model } from './model';
import type { Seen } from './seen';

/** Contents that were not acknowledged and are not in the store: they must never appear. */
export type Absent = readonly Content[];

/**
 * Finds out which effects of an unacknowledged call exist, and adds them to the model. Each content may exist or not; an atomic batch
 * must exist as a whole or not at all.
 */
export async function decide(model: Model, seen: Seen, call: Call): Promise<Absent> {
  if (call.type === 'forget' || call.type === 'forgetWhere') {
    const ids = call.type === 'forget' ? [call.id] : call.ids;
    model.happened(call, { forgotten: ids.filter((id) => !seen.memories.has(id)) });
    return [];
  }
  // Another call wrote the same content, and its outcome is known.
  if (isIdempotent(call) && model.once.has(call.idempotencyKey)) return [];
  const absent: Content[] = [];
  const contents = contentsOf(call);
  for (const content of contents) {
    const found = await find(model, seen, call, content);
    if (found === undefined) absent.push(content);
    else model.wrote(call, content, found);
  }
  if (call.type === 'atomic') {
    const missing = absent.map(({ token }) => token);
    assert.ok(
      absent.length === 0 || absent.length === contents.length,
      `an atomic batch lacks ${missing} and has the rest`,
    );
  }
  return absent;
}

/** The memory that holds a content, in any of its revisions. */
async function find(model: Model, seen: Seen, call: Call, { token }: Content): Promise<Remembered | undefined> {
  const id = call.type === 'update' ? call.id : (seen.holding(token)?.id ?? keyedId(model, seen, call));
  if (id === undefined) return undefined;
  const revision = (await seen.revisions(id)).findIndex((each) => each.token === token) + 1;
  return revision === 0 ? undefined : { id, revision, outcome: revision === 1 ? 'stored' : 'revised' };
}

function keyedId(model: Model, seen: Seen, call: Call): string | undefined {
  if (call.type !== 'remember' || call.key === undefined) return undefined;
  const { lane, key } = call;
  const known = model.keyed(lane, key);
  if (known !== undefined) return known.id;
  const lies = JSON.stringify(namespaceOf(lane));
  return [...seen.memories.values()].find((each) => each.key === key && JSON.stringify(each.namespace) === lies)?.id;
}
