import { expect, test } from 'vitest';
import { type ProcessTable, parentEnd } from '../../src/cli/parent-processes';

const [own, parent] = [process.pid, process.ppid];

/** A table of processes, by the id of each: its parent and its command line. */
function tableOf(processes: Record<number, [parent: number, command: string]>): ProcessTable {
  return {
    read: (pid) => {
      const found = processes[pid];
      return found && { parent: found[0], command: found[1] };
    },
    isAlive: (pid) => pid in processes,
  };
}

async function endsWithin(ms: number, table: ProcessTable): Promise<boolean> {
  const watching = new AbortController();
  let hasEnded = false;
  void parentEnd(watching.signal, table, 5).then(() => {
    hasEnded = !watching.signal.aborted;
  });
  await new Promise((resolve) => setTimeout(resolve, ms));
  watching.abort();
  return hasEnded;
}

test.each([
  ['npm exec multi-agent-memory mcp ./memory'],
  ['node /usr/lib/node_modules/npm/bin/npx-cli.js multi-agent-memory'],
  ['sh -c multi-agent-memory mcp ./memory'],
  ['/usr/bin/pnpm dlx multi-agent-memory'],
])('the server watches the parent of the launcher %s', async (command) => {
  const processes = { [own]: [parent, 'node'], [parent]: [77_777, command], 77777: [1, 'client'] } as const;
  const table = tableOf({ ...processes } as never);
  expect(await endsWithin(60, table)).toBe(false);
  const without = tableOf({ [own]: [parent, 'node'], [parent]: [1, command] });
  const lost: ProcessTable = { ...without, read: (pid) => (started++ < 4 ? table : without).read(pid) };
  let started = 0;
  expect(await endsWithin(200, lost)).toBe(true);
});

test('the server does not watch the parent of a program that is not a launcher', async () => {
  const table = tableOf({ [own]: [parent, 'node'], [parent]: [77_777, 'client --npx'] });
  expect(await endsWithin(60, table)).toBe(false);
});

test('the server does not end if the first process of the system started its launcher', async () => {
  const table = tableOf({ [own]: [parent, 'node'], [parent]: [1, 'npm exec multi-agent-memory'] });
  expect(await endsWithin(60, table)).toBe(false);
});
