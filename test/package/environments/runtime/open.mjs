import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryError, MemoryStore } from 'multi-agent-memory';

// Prints the error of `open`, or 'opened'.
const folder = mkdtempSync(join(tmpdir(), 'runtime-'));
const result = await MemoryStore.open(folder).then(
  async (store) => {
    await store.close();
    return { code: 'opened' };
  },
  (error) => ({ code: error.code, message: error.message, isOurs: MemoryError.is(error) }),
);
rmSync(folder, { recursive: true, force: true });
console.log(JSON.stringify(result));
