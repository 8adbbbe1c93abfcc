import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inspectFolder } from '../../../src/raft/storage/folder-report';
import { temporaryFolder } from '../../faults/folders';
import { openNode } from './nodes';
import { normal } from './storage-conformance';

const vote = { term: 3, vote: 2, commit: 1 };

async function closedNode(): Promise<string> {
  const folder = join(temporaryFolder(), 'raft');
  const storage = await openNode(folder);
  storage.setCluster('d'.repeat(32));
  await storage.store({ hardState: vote, entries: [normal(1, 2), normal(2, 3)] });
  const configuration = { voters: [1], outgoing: [], learners: [], learnersNext: [], autoLeave: false };
  await storage.saveSnapshot({ index: 1, term: 2, configuration, data: new Uint8Array([1]) });
  await storage.close();
  return folder;
}

/** All files and folders below a folder. */
function pathsIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)));
}

function contentsOf(folder: string): readonly string[] {
  return pathsIn(folder).map((path) => {
    const { mtimeMs, mode, size } = lstatSync(path);
    const bytes = lstatSync(path).isFile() ? readFileSync(path).toString('hex') : '';
    return [path, mtimeMs, mode, size, bytes].join(' ');
  });
}

describe.skipIf(process.geteuid === undefined)('the folder of a node', () => {
  test('is private, for any umask', async () => {
    const before = process.umask(0);
    try {
      const folder = await closedNode();
      expect(lstatSync(folder).mode & 0o777).toBe(0o700);
      for (const path of pathsIn(folder)) {
        const found = lstatSync(path);
        expect([path, found.mode & 0o777]).toEqual([path, found.isDirectory() ? 0o700 : 0o600]);
      }
    } finally {
      process.umask(before);
    }
  });

  test('loses permissions that other users got', async () => {
    const folder = await closedNode();
    for (const path of [folder, ...pathsIn(folder)]) chmodSync(path, 0o777);
    await (await openNode(folder)).close();
    for (const path of [folder, join(folder, 'hard-state'), join(folder, 'log', '0000000001.segment')])
      expect([path, lstatSync(path).mode & 0o077]).toEqual([path, 0]);
  });

  test.each(['identity.json', 'hard-state', 'log/0000000001.segment', 'log', 'snapshots/1-2.snapshot', '.'])(
    'is refused if %s is a symbolic link',
    async (name) => {
      const folder = await closedNode();
      const path = join(folder, name);
      const elsewhere = join(temporaryFolder(), 'elsewhere');
      renameSync(path, elsewhere);
      symlinkSync(elsewhere, path);
      await expect(openNode(folder)).rejects.toMatchObject({ code: 'FILE_FAILED' });
    },
  );

  test('is refused if something else is in the place of a file', async () => {
    const folder = await closedNode();
    renameSync(join(folder, 'hard-state'), join(folder, 'moved'));
    mkdirSync(join(folder, 'hard-state'));
    await expect(openNode(folder)).rejects.toMatchObject({ code: 'FILE_FAILED' });
  });
});

test('other files in the folder of snapshots are left alone', async () => {
  const folder = await closedNode();
  writeFileSync(join(folder, 'snapshots', '1-2.db'), 'state');
  await (await openNode(folder)).close();
  expect(readFileSync(join(folder, 'snapshots', '1-2.db'), 'utf8')).toBe('state');
});

describe('inspectFolder', () => {
  test('describes a node, and changes nothing', async () => {
    const folder = await closedNode();
    const before = contentsOf(folder);
    const report = inspectFolder(folder);
    expect(contentsOf(folder)).toEqual(before);
    expect(report).toEqual({
      identity: { cluster: 'd'.repeat(32), node: expect.any(Number), start: 1 },
      hardState: vote,
      log: { firstIndex: 1, lastIndex: 2, lastTerm: 3 },
      logBytes: expect.any(Number),
      segments: [
        { name: '0000000001.segment', bytes: 2 ** 14 },
        { name: '0000000002.segment', bytes: 2 ** 14 },
      ],
      snapshots: [{ index: 1, term: 2, configuration: expect.objectContaining({ voters: [1] }) }],
      problems: [],
    });
  });

  test('describes what is in order, and each problem with what to do', async () => {
    const folder = await closedNode();
    const path = join(folder, 'log', '0000000001.segment');
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('entry 1')] = 0;
    writeFileSync(path, bytes);
    writeFileSync(join(folder, 'snapshots', '1-2.snapshot'), 'x');
    const before = contentsOf(folder);
    const { problems, hardState, log } = inspectFolder(folder);
    expect(contentsOf(folder)).toEqual(before);
    expect(hardState).toEqual(vote);
    expect(log?.lastIndex).toBe(0);
    expect(problems).toEqual([
      { message: expect.stringMatching(/0000000001\.segment is damaged.*add it again as a new node/), stopsNode: true },
      { message: expect.stringContaining('1-2.snapshot'), stopsNode: false },
    ]);
  });

  test('says that one copy of the hard state is damaged, and that the node can start', async () => {
    const folder = await closedNode();
    const bytes = readFileSync(join(folder, 'hard-state'));
    bytes[20] = (bytes[20] as number) ^ 1;
    writeFileSync(join(folder, 'hard-state'), bytes);
    expect(inspectFolder(folder).problems).toEqual([
      { message: expect.stringContaining('1 of 4 copies'), stopsNode: false },
    ]);
    await (await openNode(folder)).close();
    expect(inspectFolder(folder).problems).toEqual([]);
  });

  test('says so if there is no node', () => {
    const folder = temporaryFolder();
    for (const path of [folder, join(folder, 'missing')])
      expect(inspectFolder(path).problems).toEqual([{ message: expect.stringContaining('no node'), stopsNode: true }]);
    expect(readdirSync(folder)).toEqual([]);
  });
});
