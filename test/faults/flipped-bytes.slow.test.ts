import { readFileSync, writeFileSync } from 'node:fs';
import { allow, MemoryStore } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { databaseIn, temporaryFolder } from './folders';
import { Random } from './random';
import { differenceOf, everything } from './shown';

// Leaves time for a machine that is busy with other work.
const clock = { now: () => Date.UTC(2026, 0, 1) };
const access = [allow('everyone', 'writer', ['support'])];
const flips = 150;

async function fill(folder: string): Promise<void> {
  await using store = await MemoryStore.open(folder, { clock, access });
  for (let i = 0; i < 12; i++) {
    const agent = store.as({ agentId: `agent-${i % 3}` }, { namespace: ['support', `team-${i % 2}`] });
    const { id } = await agent.remember(`Customer ${i} asked for a refund.`, {
      key: `key-${i}`,
      tags: [`tag-${i}`],
      userId: `user-${i}`,
    });
    if (i % 3 === 0) await agent.update(id, { text: `Customer ${i} got the refund.`, metadata: { order: i } });
    if (i % 5 === 4) await agent.forget(id);
  }
}

test('after any bit of the database file is flipped, no wrong data is returned, and lost data is reported', async () => {
  const folder = temporaryFolder();
  await fill(folder);
  const original = readFileSync(databaseIn(folder));
  const intact = await MemoryStore.open(folder, { clock });
  const ids = (await intact.admin.list()).items.map(({ id }) => id);
  const expected = await everything(intact, ids);
  await intact.close();
  const random = new Random(17);
  const wrong: string[] = [];
  for (let flip = 0; flip < flips; flip++) {
    // Pages are mostly empty, and a bit flipped in empty space has no effect.
    let place = random.whole(0, original.length - 1);
    while (original[place] === 0) place = random.whole(0, original.length - 1);
    const bytes = Buffer.from(original);
    bytes[place] = (bytes[place] as number) ^ (1 << random.whole(0, 7));
    writeFileSync(databaseIn(folder), bytes);
    const what = await differenceOf(() => MemoryStore.open(folder, { clock }), ids, expected);
    if (what !== undefined) wrong.push(`byte ${place} (page ${Math.floor(place / 4096) + 1}): ${what}`);
  }
  expect(wrong).toEqual([]);
});
