import { join } from 'node:path';
import { allow, type Declaration, deny, MemoryStore, type OpenOptions } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/state/tables/database';
import { ended, issuePaths, refusal, temporaryFolder } from './stores';

const namespace = ['n'];
const oldRules = [allow('everyone', 'writer', [])];
const newRules = [...oldRules, deny({ agentId: 'leaver' }, ['read'], [])];
const newerRules = [allow({ agentId: 'a' }, 'reader', [])];

/** Opens a folder, and returns the rules that are then in force and the warnings. */
async function rulesAfter(folder: string, options: OpenOptions): Promise<{ rules: Declaration[]; warnings: string[] }> {
  const warnings: string[] = [];
  const store = await MemoryStore.open(folder, { ...options, logger: { warn: (message) => warnings.push(message) } });
  try {
    const found = await store.admin.access.list();
    const rules = found.map(({ id: _, since: __, declared: ___, ...rule }) => rule as Declaration);
    return { rules, warnings };
  } finally {
    await ended(store);
  }
}

describe('accessVersion', () => {
  test('keeps the newer rules if a process with older rules opens the store later, and warns', async () => {
    const folder = await temporaryFolder();
    await rulesAfter(folder, { access: oldRules, accessVersion: 1 });
    expect(await rulesAfter(folder, { access: newRules, accessVersion: 2 })).toEqual({ rules: newRules, warnings: [] });
    const { rules, warnings } = await rulesAfter(folder, { access: oldRules, accessVersion: 1 });
    expect(rules).toEqual(newRules);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('accessVersion');
  });

  test('lets the same or a higher version replace the rules', async () => {
    const folder = await temporaryFolder();
    await rulesAfter(folder, { access: newRules, accessVersion: 5 });
    expect((await rulesAfter(folder, { access: oldRules, accessVersion: 5 })).rules).toEqual(oldRules);
    expect((await rulesAfter(folder, { access: newerRules, accessVersion: 6 })).rules).toEqual(newerRules);
  });

  test('is kept even if the rules did not change with it', async () => {
    const folder = await temporaryFolder();
    await rulesAfter(folder, { access: newRules, accessVersion: 1 });
    await rulesAfter(folder, { access: newRules, accessVersion: 3 });
    expect((await rulesAfter(folder, { access: oldRules, accessVersion: 2 })).rules).toEqual(newRules);
  });

  test('binds no process that gives no version', async () => {
    const folder = await temporaryFolder();
    await rulesAfter(folder, { access: newRules, accessVersion: 3 });
    expect((await rulesAfter(folder, { access: oldRules })).rules).toEqual(oldRules);
    expect((await rulesAfter(folder, { access: newerRules, accessVersion: 2 })).rules).toEqual(oldRules);
  });

  test('also holds between stores that share a folder in one process', async () => {
    const folder = await temporaryFolder();
    const current = await MemoryStore.open(folder, { access: newRules, accessVersion: 2 });
    const outdated = await MemoryStore.open(folder, { access: oldRules, accessVersion: 1 });
    const leaver = outdated.as({ agentId: 'leaver' }, { namespace });
    await current.admin.remember('secret', { namespace, embed: false });
    expect(await leaver.list()).toMatchObject({ items: [] });
    await ended(outdated);
    await ended(current);
  });

  test('lets a process with older rules open the store only for reading', async () => {
    const folder = await temporaryFolder();
    await rulesAfter(folder, { access: newRules, accessVersion: 2 });
    const readOnly = { readOnly: true, access: oldRules };
    expect((await rulesAfter(folder, { ...readOnly, accessVersion: 1 })).rules).toEqual(newRules);
    expect(await refusal(() => rulesAfter(folder, { ...readOnly, accessVersion: 3 }))).toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  test('is not ignored if it is damaged: a process with older rules cannot open the store', async () => {
    const folder = await temporaryFolder();
    await rulesAfter(folder, { access: newRules, accessVersion: 2 });
    const database = openDatabase({ path: join(folder, 'memory.db'), readOnly: false });
    database.exec("update store_meta set value = 'x' where key = 'access_version'");
    database.close();
    expect(await refusal(() => rulesAfter(folder, { access: oldRules, accessVersion: 1 }))).toMatchObject({
      code: 'RECORD_DAMAGED',
    });
    expect((await rulesAfter(folder, {})).rules).toEqual(newRules);
  });

  test('is an integer from 1, together with access', async () => {
    const folder = await temporaryFolder();
    for (const accessVersion of [0, 1.5, '1', null, undefined])
      expect(
        await issuePaths(() => MemoryStore.open(folder, { access: oldRules, accessVersion } as OpenOptions)),
      ).toEqual(['accessVersion']);
    expect(await issuePaths(() => MemoryStore.open(folder, { accessVersion: 1 }))).toEqual(['accessVersion']);
  });
});
