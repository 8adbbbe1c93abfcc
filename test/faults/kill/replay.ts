import assert from 'node:assert/strict';
import { allow, MemoryError, type MemoryStore } from 'multi-agent-memory';
import { agentOf, namespaceOf } from './calls';
import { makeCall } from './make-call';
import type { Idempotent, Model } from './model';

export const access = [allow('everyone', 'writer', ['kill'])];

/** Repeats an idempotent write: it is stored if it never was, and otherwise returns the first result. */
export async function replay(store: MemoryStore, model: Model, call: Idempotent): Promise<void> {
  const handle = store.as(agentOf(call.lane), { namespace: namespaceOf(call.lane) });
  const isKnown = model.once.has(call.idempotencyKey);
  const answer = await makeCall(handle, call);
  const outcome = answer.remembered?.[0]?.outcome;
  assert.equal(outcome, isKnown ? 'duplicate' : 'stored', `the replay of ${call.idempotencyKey}`);
  model.happened(call, answer);
  const other = { ...call, content: { ...call.content, text: `${call.content.text} And more.` } };
  await assert.rejects(
    makeCall(handle, other),
    (error) => MemoryError.is(error) && error.code === 'IDEMPOTENCY_CONFLICT',
  );
}
