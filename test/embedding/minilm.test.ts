import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Progress } from '../../src/domain/calls';
import { minilm } from '../../src/embedding/local-models/minilm';
import { embedderConformance } from '../../src/testing/embedder-conformance';
import { modelFolder, modelIsMissing } from './model-folder';

const model = 'Xenova/all-MiniLM-L6-v2';
const weights = `${model}/onnx/model_quantized.onnx`;
const repository = fileURLToPath(new URL('../..', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'minilm-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A new folder of models with a copy of the real model. */
function copyOfModels(name: string): string {
  cpSync(modelFolder, join(folder, name), { recursive: true });
  // The original may be read-only.
  rmSync(join(folder, name, weights));
  writeFileSync(join(folder, name, weights), readFileSync(join(modelFolder, weights)));
  return join(folder, name);
}

/** Runs a TypeScript ES module as a program in a folder. */
function run(where: string, program: string) {
  mkdirSync(where, { recursive: true });
  writeFileSync(join(where, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(where, 'program.ts'), program);
  return spawnSync(join(repository, 'node_modules/.bin/tsx'), ['program.ts'], { encoding: 'utf8', cwd: where });
}

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

describe('minilm() without its model', () => {
  test('returns an embedder whose space is named after the model', () => {
    const embedder = minilm({ localPath: join(folder, 'nowhere') });
    expect(embedder.space).toMatchObject({ dimensions: 384, normalized: true });
    expect(embedder.space.model).toMatch(/^Xenova\/all-MiniLM-L6-v2 sha256:[0-9a-f]{64}$/);
    expect(embedder.maxTokens).toBe(256);
  });

  test('rejects the first text with EMBEDDER_MISSING and the path of the model', async () => {
    const nowhere = join(folder, 'nowhere');
    await expect(minilm({ localPath: nowhere }).embedQuery('refund', {})).rejects.toMatchObject({
      code: 'EMBEDDER_MISSING',
      message: expect.stringContaining(join(nowhere, model)),
      cause: expect.objectContaining({ code: 'ENOENT' }),
    });
  });

  test('embeds an empty list of texts', async () => {
    expect(await minilm({ localPath: join(folder, 'nowhere') }).embedDocuments([], {})).toEqual([]);
  });
});

describe('minilm() without transformers.js', () => {
  test('rejects the first text with EMBEDDER_MISSING and the command that installs the package', () => {
    // A copy of the sources of minilm(), in a folder from which Node finds no packages.
    for (const part of ['embedding', 'providers', 'domain', 'environment']) {
      cpSync(join(repository, 'src', part), join(folder, 'alone', part), { recursive: true });
    }
    const script = `import { minilm } from './embedding/local-models/minilm.ts';
      const error = await minilm().embedQuery('refund', {}).catch((error) => error);
      console.log(JSON.stringify([error.code, error.message, error.cause.code]));`;
    const { stdout, stderr } = run(join(folder, 'alone'), script);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([
      'EMBEDDER_MISSING',
      expect.stringContaining('npm install @xenova/transformers@2.17.2'),
      'MODULE_NOT_FOUND',
    ]);
  });
});

describe.skipIf(modelIsMissing !== undefined)(
  `minilm() with its model${modelIsMissing ? ` (${modelIsMissing})` : ''}`,
  () => {
    const embedder = minilm({ localPath: modelFolder });

    for (const { name, run } of embedderConformance(async () => minilm({ localPath: modelFolder }))) test(name, run);

    test('returns the vectors that the pipeline of transformers.js returns for single texts', async () => {
      const { pipeline, env } = await import('@xenova/transformers');
      const before = { localModelPath: env.localModelPath, allowRemoteModels: env.allowRemoteModels };
      Object.assign(env, { localModelPath: modelFolder, allowRemoteModels: false });
      const extract = await pipeline('feature-extraction', model);
      Object.assign(env, before);
      const texts = [
        'Refund!',
        'a',
        '',
        'Café — 4417 👍',
        '客户想要退款',
        'She plays the violin on Tuesdays. '.repeat(25),
      ];
      const vectors = await embedder.embedDocuments(texts, {});
      for (const [i, text] of texts.entries()) {
        const { data } = await extract(text, { pooling: 'mean', normalize: true });
        expect(cosine(vectors[i]!, data as Float32Array)).toBeGreaterThan(0.999);
      }
    });

    test('gives texts with similar meanings similar vectors', async () => {
      const [money, violin] = await embedder.embedDocuments(
        ['The refund goes to the card.', 'She plays the violin.'],
        {},
      );
      const query = await embedder.embedQuery('how is the customer paid back?', {});
      expect(cosine(query, money!)).toBeGreaterThan(0.2 + cosine(query, violin!));
    });

    test('uses the first 256 tokens of a text, including the end marker', async () => {
      // Each word is one token.
      const word = (count: number) => 'word '.repeat(count);
      const [longest, longer, shorter] = await embedder.embedDocuments(
        [word(254), `${word(254)} violin`, word(253)].map((text) => text.trim()),
        {},
      );
      expect(longer).toEqual(longest);
      expect(shorter).not.toEqual(longest);
    });

    test('embeds texts under fake timers', async () => {
      vi.useFakeTimers();
      try {
        const texts = ['refund '.repeat(200), 'violin '.repeat(200), 'parcel'];
        expect(await embedder.embedDocuments(texts, {})).toHaveLength(3);
      } finally {
        vi.useRealTimers();
      }
    });

    test('stops between two texts when its signal is aborted', async () => {
      const controller = new AbortController();
      const texts = Array.from({ length: 200 }, (_, i) => `${'word '.repeat(240)}${i}`);
      const embedding = embedder.embedDocuments(texts, { signal: controller.signal });
      setImmediate(() => controller.abort(new Error('enough')));
      await expect(embedding).rejects.toThrow('enough');
    });

    test('rejects with EMBEDDING_FAILED and the cause if the model fails, and embeds the next text', async () => {
      const localPath = copyOfModels('failing');
      const path = join(localPath, model, 'tokenizer.json');
      const tokenizer = JSON.parse(readFileSync(path, 'utf8'));
      // The weights have no row for this token.
      tokenizer.model.vocab.violin = 1_000_000;
      rmSync(path);
      writeFileSync(path, JSON.stringify(tokenizer));
      const failing = minilm({ localPath });
      await expect(failing.embedDocuments(['refund', 'violin'], {})).rejects.toMatchObject({
        code: 'EMBEDDING_FAILED',
        cause: { message: expect.stringContaining('out of') },
      });
      expect(await failing.embedQuery('refund', {})).toEqual(await embedder.embedQuery('refund', {}));
    });

    test('does not block the event loop', async () => {
      let turns = 0;
      const counting = setInterval(() => turns++, 1);
      const embedding = embedder.embedDocuments([`${'word '.repeat(250)} ${turns}`], {});
      const before = turns;
      await embedding;
      clearInterval(counting);
      expect(turns).toBeGreaterThan(before);
    });

    test('embeds a query before documents that are waiting', async () => {
      const order: string[] = [];
      const documents = Array.from({ length: 64 }, (_, i) => `${'word '.repeat(200)} ${i}`);
      const all = embedder.embedDocuments(documents, {}).then(() => order.push('documents'));
      await embedder.embedQuery('a question that came later', {}).then(() => order.push('question'));
      await all;
      expect(order).toEqual(['question', 'documents']);
    });

    describe('that is damaged', () => {
      const missing = (text: string) => ({ code: 'EMBEDDER_MISSING', message: expect.stringContaining(text) });

      test('rejects truncated weights with EMBEDDER_MISSING until the file is complete again', async () => {
        const localPath = copyOfModels('truncated');
        truncateSync(join(localPath, weights), 1_000_000);
        const broken = minilm({ localPath });
        await expect(broken.embedQuery('refund', {})).rejects.toMatchObject(missing('1000000 bytes'));
        copyFileSync(join(modelFolder, weights), join(localPath, weights));
        expect(await broken.embedQuery('refund', {})).toHaveLength(384);
      });

      test('rejects weights with one changed byte', async () => {
        const localPath = copyOfModels('changed');
        const bytes = readFileSync(join(localPath, weights));
        bytes[20_000_000]! ^= 1;
        writeFileSync(join(localPath, weights), bytes);
        await expect(minilm({ localPath }).embedQuery('refund', {})).rejects.toMatchObject(
          missing('not the expected ones'),
        );
      });

      test('rejects a truncated tokenizer with EMBEDDER_MISSING', async () => {
        const localPath = copyOfModels('tokenizer');
        const path = join(localPath, model, 'tokenizer.json');
        const half = readFileSync(path).subarray(0, 300_000);
        rmSync(path);
        writeFileSync(path, half);
        await expect(minilm({ localPath }).embedQuery('refund', {})).rejects.toMatchObject(missing(path));
      });
    });

    describe('that is downloaded', () => {
      let server: Server;
      let requests: string[];
      beforeAll(async () => {
        requests = [];
        server = createServer(({ url = '' }, response) => {
          requests.push(url);
          const body = readFileSync(join(modelFolder, url.replace('/resolve/main', '')));
          response.writeHead(200, { 'content-length': body.length }).end(body);
        });
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      });
      afterAll(() => new Promise((resolve) => server.close(resolve)));

      test('is downloaded once from the host in the settings of transformers.js, with progress, and leaves the settings unchanged', async () => {
        const { env } = await import('@xenova/transformers');
        const { port } = server.address() as AddressInfo;
        Object.assign(env, {
          remoteHost: `http://127.0.0.1:${port}/`,
          cacheDir: join(folder, 'cache'),
          localModelPath: folder,
        });
        const before = JSON.stringify(env);
        const reports: Progress[] = [];
        const downloading = minilm({ onProgress: (progress) => reports.push(progress) });
        const vector = await downloading.embedQuery('refund', {});
        expect(cosine(vector, await embedder.embedQuery('refund', {}))).toBeGreaterThan(0.999);
        expect(reports.at(-1)).toMatchObject({ phase: 'model', done: 22_972_370, total: 22_972_370, failed: 0 });
        expect(requests).toHaveLength(3);
        await minilm().embedQuery('violin', {});
        expect(requests).toHaveLength(3);
        expect(JSON.stringify(env)).toBe(before);
      });
    });

    test('prints nothing on success or failure, and lets the process end', () => {
      const truncated = copyOfModels('silent');
      truncateSync(join(truncated, weights), 5_000_000);
      const script = `import { minilm } from ${JSON.stringify(join(repository, 'src/embedding/local-models/minilm.ts'))};
      const texts = ['refund', 'violin '.repeat(500), '👍', ''];
      const vectors = await minilm({ localPath: ${JSON.stringify(modelFolder)} }).embedDocuments(texts, {});
      if (vectors.length !== 4) throw new Error('no vectors');
      const broken = minilm({ localPath: ${JSON.stringify(truncated)} });
      const error = await broken.embedQuery('refund', {}).catch((error) => error);
      if (error.code !== 'EMBEDDER_MISSING') throw error;`;
      const { status, stdout, stderr } = run(join(folder, 'silent'), script);
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    });
  },
);
