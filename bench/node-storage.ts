import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from '../src/raft/core/entry';
import { SegmentStorage } from '../src/raft/storage/segment-storage';
import { median } from './shared/figures';
import { type Question, samples } from './shared/question';
import { type Row, row } from './shared/row';
import { calm, interleaved, milliseconds } from './shared/timing';

// A command with a vector.
const entryBytes = 2_300;
const entriesPerBatch = 64;
const rounds = 25;
const fileBytes = 16 * 2 ** 20;
const hardState = { term: 1, vote: 1, commit: 0 };

/** What the log of a node costs on this disk. */
export const nodeStorage: Question = {
  name: 'node-storage',
  asks: 'How long does a node take to make an entry of 2.3 kB durable, alone and in batches of 64, against a plain write and sync of a preallocated file, and how long to open a log of 100,000 entries?',
  async run(setting) {
    const folder = await mkdtemp(join(setting.folder, 'node-storage-'));
    const plain = new PlainFile(join(folder, 'plain'));
    const storage = await SegmentStorage.open({ folder: join(folder, 'one'), randomBytes });
    await storage.store({ hardState, entries: [] });
    const rows: Row[] = [];
    for (const perWork of [1, entriesPerBatch]) {
      const works = samples(setting, 60);
      rows.push(...(await appendRows(perWork, works, storage, plain)));
    }
    await storage.close();
    plain.close();
    rows.push(...(await openingRows(join(folder, 'long'), samples(setting, 100_000))));
    return rows;
  },
};

async function appendRows(
  perWork: number,
  works: number,
  storage: SegmentStorage,
  plain: PlainFile,
): Promise<readonly Row[]> {
  const plainMs: number[] = [];
  const storageMs: number[] = [];
  const processorUs: number[] = [];
  await calm();
  for (let round = 0; round < rounds; round++) {
    await interleaved(
      round,
      async () => {
        plainMs.push((await milliseconds(() => plain.write(works, perWork * entryBytes))) / works);
      },
      async () => {
        const before = process.cpuUsage();
        storageMs.push((await milliseconds(() => append(storage, works, perWork))) / works);
        const { user, system } = process.cpuUsage(before);
        processorUs.push((user + system) / works / perWork);
      },
    );
  }
  const name = `node-storage, ${perWork === 1 ? 'one entry' : `batches of ${perWork}`}`;
  return [
    row({
      name: `${name}, against a plain write and sync`,
      value: median(storageMs),
      baseline: median(plainMs),
      unit: 'ms',
    }),
    row({ name: `${name}, entries a second`, value: (perWork * 1_000) / median(storageMs), unit: 'entries/s' }),
    row({ name: `${name}, processor time of an entry`, value: median(processorUs), unit: 'us' }),
  ];
}

async function openingRows(folder: string, entries: number): Promise<readonly Row[]> {
  const storage = await SegmentStorage.open({ folder, randomBytes });
  await storage.store({ hardState, entries: [] });
  await append(storage, Math.ceil(entries / 512), 512);
  await storage.close();
  await calm();
  const before = process.cpuUsage();
  let opened: SegmentStorage | undefined;
  const ms = await milliseconds(async () => {
    opened = await SegmentStorage.open({ folder, randomBytes });
  });
  const { user, system } = process.cpuUsage(before);
  await opened?.close();
  return [
    row({ name: 'node-storage, opening a log of 100,000 entries', value: ms, unit: 'ms' }),
    row({ name: 'node-storage, opening, processor time', value: (user + system) / 1_000, unit: 'ms' }),
  ];
}

async function append(storage: SegmentStorage, works: number, perWork: number): Promise<void> {
  for (let work = 0; work < works; work++) {
    const first = storage.lastIndex() + 1;
    const entries = Array.from({ length: perWork }, (_, at): Entry => {
      return { kind: 'normal', index: first + at, term: 1, data: new Uint8Array(entryBytes).fill(at) };
    });
    await storage.store({ entries });
  }
}

/** A file of zeros that is overwritten from its start to its end, again and again. */
class PlainFile {
  readonly #fd: number;
  #at = 0;

  constructor(path: string) {
    this.#fd = fs.openSync(path, 'w+');
    fs.writeSync(this.#fd, new Uint8Array(fileBytes), 0, fileBytes, 0);
    fs.fsyncSync(this.#fd);
  }

  async write(count: number, bytes: number): Promise<void> {
    const content = new Uint8Array(bytes).fill(1);
    for (let written = 0; written < count; written++) {
      if (this.#at + bytes > fileBytes) this.#at = 0;
      fs.writeSync(this.#fd, content, 0, bytes, this.#at);
      this.#at += bytes;
      await new Promise<void>((resolve, reject) => {
        fs.fdatasync(this.#fd, (error) => (error === null ? resolve() : reject(error)));
      });
    }
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}
