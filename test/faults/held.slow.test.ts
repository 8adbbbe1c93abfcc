import { symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Memory, MemoryError, MemoryStore } from 'multi-agent-memory';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from './folders';
import { buildPrograms, type Program, type Programs } from './programs';
import type { HolderLine } from './programs/holder';

// Leaves time for a machine that is busy with other work.
let programs: Programs;
beforeAll(async () => {
  programs = await buildPrograms('holder');
});
afterAll(() => programs.remove());

function start(folder: string): Program {
  const program = programs.start('holder', { folder });
  onTestFinished(() => void program.kill());
  return program;
}

const said = (program: Program, ...kinds: HolderLine['say'][]) =>
  program.said<HolderLine>(({ say }) => kinds.includes(say));

async function opened(folder: string): Promise<Program> {
  const program = start(folder);
  program.tell('open');
  await said(program, 'open', 'refused');
  return program;
}

const refusal = (folder: string) =>
  MemoryStore.open(folder).then(
    () => undefined,
    (error: unknown) => error,
  );

async function all(store: MemoryStore): Promise<Memory[]> {
  const memories: Memory[] = [];
  for await (const memory of store.admin.list({ limit: 1000 })) memories.push(memory);
  return memories;
}

describe('a folder that another process has opened', () => {
  test('cannot be opened: STORE_HELD names the process and the machine', async () => {
    const folder = temporaryFolder();
    const holder = await opened(folder);
    const error = await refusal(folder);
    expect(error).toSatisfy(MemoryError.is);
    expect(error).toMatchObject({ code: 'STORE_HELD', retryable: true });
    expect(String(error)).toContain(`process ${holder.pid} on ${hostname()}`);
    const link = join(temporaryFolder(), 'link');
    symlinkSync(folder, link);
    expect(await refusal(link)).toMatchObject({ code: 'STORE_HELD' });
  });

  test('can be opened as soon as that process is killed or closes the store', async () => {
    const folder = temporaryFolder();
    const killed = await opened(folder);
    await killed.kill();
    await (await MemoryStore.open(folder)).close();
    const closing = await opened(folder);
    closing.tell('close');
    await said(closing, 'closed');
    await (await MemoryStore.open(folder)).close();
  });

  test('can be opened after that process closes the store and a rejected process has ended', async () => {
    const folder = temporaryFolder();
    const store = await MemoryStore.open(folder);
    const refused = await opened(folder);
    expect(refused.lines).toContainEqual(expect.objectContaining({ say: 'refused', code: 'STORE_HELD' }));
    await store.admin.remember('Still here.', { namespace: ['parcels'] });
    await refused.kill();
    await store.close();
    expect((await opened(folder)).lines).toContainEqual({ say: 'open' });
  });

  test('can be opened read-only while that process writes, and shows every acknowledged write', async () => {
    const folder = temporaryFolder();
    const holder = await opened(folder);
    holder.tell('write');
    await said(holder, 'ack');
    await using reader = await MemoryStore.open(folder, { readOnly: true });
    for (let round = 0; round < 20; round++) {
      const acknowledged = holder.lines.flatMap((line) =>
        (line as HolderLine).say === 'ack' ? [(line as { id: string }).id] : [],
      );
      const last = acknowledged.at(-1) as string;
      expect(await reader.admin.get(last)).toMatchObject({ id: last });
      const seen = new Set((await all(reader)).map(({ id }) => id));
      expect(acknowledged.filter((id) => !seen.has(id))).toEqual([]);
      const hits = await reader.admin.recall('parcel warehouse', { topK: 5 });
      expect(hits).toHaveLength(Math.min(5, Math.max(acknowledged.length, hits.length)));
      await expect(reader.admin.remember('No.', { namespace: ['parcels'] })).rejects.toMatchObject({
        code: 'STORE_READ_ONLY',
      });
    }
    await holder.kill();
    expect(await reader.admin.count()).toBe((await all(reader)).length);
    expect((await reader.verify()).ok).toBe(true);
  });

  test('can be read while the writing process is killed and another process takes over', async () => {
    const folder = temporaryFolder();
    const first = await opened(folder);
    first.tell('write');
    await said(first, 'ack');
    await using reader = await MemoryStore.open(folder, { readOnly: true });
    await first.kill();
    const before = await reader.admin.count();
    const second = await opened(folder);
    second.tell('write');
    const ack = (await said(second, 'ack')) as { id: string };
    expect(await reader.admin.get(ack.id)).toMatchObject({ id: ack.id });
    expect(await reader.admin.count()).toBeGreaterThan(before);
  });
});

test.each(Array.from({ length: 10 }, (_, i) => i + 1))(
  'if two processes open a folder at once, exactly one succeeds: race %i',
  async (race) => {
    const folder = temporaryFolder();
    // In some races the folder is new, in others it exists.
    if (race % 2 === 0) await (await MemoryStore.open(folder)).close();
    const racers = [start(folder), start(folder)];
    await Promise.all(racers.map((racer) => said(racer, 'ready')));
    for (const racer of racers) racer.tell('open');
    const outcomes = await Promise.all(racers.map((racer) => said(racer, 'open', 'refused')));
    expect(outcomes.map(({ say }) => say).sort()).toEqual(['open', 'refused']);
    expect(outcomes.find(({ say }) => say === 'refused')).toMatchObject({ code: 'STORE_HELD' });
  },
);
