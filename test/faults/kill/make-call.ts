import type { MemoryHandle } from 'multi-agent-memory';
import { type Answer, type Call, type Content, fieldsOf } from './calls';

/** Makes a call on the store. */
export async function makeCall(handle: MemoryHandle, call: Call): Promise<Answer> {
  switch (call.type) {
    case 'remember': {
      const { content, key, idempotencyKey, supersedes } = call;
      const more = {
        ...(key && { key }),
        ...(idempotencyKey && { idempotencyKey }),
        ...(supersedes && { supersedes }),
      };
      return { remembered: [await handle.remember(content.text, { ...fieldsOf(content), ...more })] };
    }
    case 'each':
    case 'atomic':
      return rememberMany(handle, call.contents, call.type === 'atomic');
    case 'update': {
      const { text } = call.content;
      const { id, revision } = await handle.update(call.id, { text, ...fieldsOf(call.content) });
      return { remembered: [{ id, revision, outcome: 'revised' }] };
    }
    case 'forget':
      return { forgotten: (await handle.forget(call.id)) ? [call.id] : [] };
    case 'forgetWhere':
      return { forgotten: (await handle.forgetWhere({ tags: [call.tag] }, { dryRun: false })).ids };
  }
}

async function rememberMany(handle: MemoryHandle, contents: readonly Content[], atomic: boolean): Promise<Answer> {
  const items = contents.map((content) => ({ text: content.text, ...fieldsOf(content) }));
  const { results } = await handle.rememberMany(items, { atomic });
  return {
    remembered: results.map((result) => {
      if (result.ok) return { id: result.id, revision: result.revision, outcome: result.outcome };
      throw result.error;
    }),
  };
}
