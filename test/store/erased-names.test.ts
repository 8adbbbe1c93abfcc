import { join } from 'node:path';
import { allow, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import type { Command, Stamp } from '../../src/domain/command';
import type { ErasureSubject, ErasureTarget } from '../../src/domain/erasure';
import { root } from '../../src/domain/principal';
import { subjectOf } from '../../src/state/tables/erased-subject';
import { storeKeyOf } from '../../src/state/tables/store-key';
import { editDatabase } from '../audit/stores';
import { stateInFile } from '../state/test-state';
import { restoreUnsealedNames } from './earlier-schema';
import { temporaryFolder } from './stores';

const access = [allow('everyone', 'curator', ['team'])];
const off = { embed: false } as const;
const kim = { userId: 'kim' };

/** Erases memories and the names of a target, as a process does that is killed right after. */
function erase(folder: string, target: ErasureTarget, ids: readonly string[]): void {
  const { state, apply } = stateInFile(join(folder, 'memory.db'));
  const stamp: Stamp = { at: Date.now(), by: root, scope: {}, seed: new Uint8Array(16) };
  const subject = subjectOf(storeKeyOf(state) as Uint8Array, target) as ErasureSubject;
  const commands: Command[] = [
    { type: 'erase', erasure: 'e', subject, ids, stamp },
    { type: 'finish-erasure', erasure: 'e', stamp },
  ];
  for (const outcome of apply(commands).outcomes) expect(outcome.ok).toBe(true);
  state.database.close();
}

function namesIn(folder: string, file: 'memory.db' | 'audit.db'): unknown[] {
  return editDatabase(folder, file, (database) =>
    database.prepare('select kind, name from audit_names order by kind, name').raw().all(),
  );
}

describe('after an erasure', () => {
  test('no audit names the user, also if the process was killed before, and the chains still verify', async () => {
    const folder = await temporaryFolder();
    const store = await MemoryStore.open(folder, { access });
    const handle = store.as({ agentId: 'a', onBehalfOf: kim });
    const { id } = await handle.remember('about kim', { namespace: ['team'], ...kim, ...off });
    await handle.get(id);
    await store.as(kim).get(id);
    await store.close();
    erase(folder, kim, [id]);
    expect(JSON.stringify(namesIn(folder, 'audit.db'))).toContain('kim');
    const reopened = await MemoryStore.open(folder, { access });
    expect((await reopened.verify()).problems).toEqual([]);
    await reopened.as(kim).get(id);
    const { items } = await reopened.audit.query({ action: ['get'], order: 'oldest' });
    expect(items.map((entry) => JSON.stringify(entry).includes('kim'))).toEqual([false, false, true]);
    await reopened.close();
    expect(namesIn(folder, 'memory.db')).not.toContainEqual(['user', '"kim"']);
    // The user has returned, and the erasure concerns nothing that came later.
    await (await MemoryStore.open(folder, { access })).close();
    expect(namesIn(folder, 'audit.db')).toContainEqual(['user', '"kim"']);
  });

  test('the memories that earlier releases have sealed with a name stay intact without it', async () => {
    const folder = await temporaryFolder();
    const store = await MemoryStore.open(folder, { access });
    const handle = store.as({ agentId: 'a', onBehalfOf: kim });
    const { id } = await handle.remember('first', { namespace: ['team'], ...off });
    await handle.update(id, { priority: 1 });
    const { id: gone } = await handle.remember('gone', { namespace: ['team'], ...off });
    await handle.forget(gone);
    await store.close();
    editDatabase(folder, 'memory.db', (database) => {
      restoreUnsealedNames(database);
      database.pragma('user_version = 14');
    });
    await (await MemoryStore.open(folder, { access })).close();
    erase(folder, kim, []);
    const reopened = await MemoryStore.open(folder, { access });
    expect((await reopened.verify()).problems).toEqual([]);
    expect(await reopened.admin.get(id)).toMatchObject({ text: 'first', revision: 2 });
    expect(JSON.stringify([await reopened.admin.get(id), await reopened.admin.history(id)])).not.toContain('kim');
    await reopened.close();
  });
});
