import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelFolder } from '../embedding/model-folder';
import type { Example } from '../house/examples';
import { repository } from '../house/sources';

const models = fileURLToPath(new URL('models', import.meta.url));

/** How a program ended. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/**
 * Runs an example as a program of its own, in an empty folder. What an example needs from outside is replaced by something on
 * this machine: the embedding server, the weights of MiniLM, the port of a server, the secret of a cluster, and the reader's own chat
 * model.
 */
export async function runExample({ code }: Example): Promise<Ended> {
  const server = await startEmbeddingServer();
  // Inside the repository, where Node finds the frameworks that examples import.
  const folder = mkdtempSync(join(repository, 'test/docs/.run-'));
  try {
    cpSync(models, folder, { recursive: true });
    const { port } = server.address() as AddressInfo;
    const program = code
      .replaceAll('http://localhost:11434/v1', `http://127.0.0.1:${port}/v1`)
      .replaceAll('minilm()', `minilm({ localPath: ${JSON.stringify(modelFolder)} })`)
      .replaceAll('port: 8787', 'port: 0');
    writeFileSync(join(folder, 'example.ts'), `${program}\nexport {};\n`);
    return await run(folder);
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(folder: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const tsconfig = join(repository, 'tsconfig.json');
    const tsx = fileURLToPath(import.meta.resolve('tsx/cli'));
    const child = spawn(process.execPath, [tsx, '--tsconfig', tsconfig, 'example.ts'], {
      cwd: folder,
      env: { ...process.env, CLUSTER_SECRET: 'a secret of the examples' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Answers embedding requests as a server of the OpenAI protocol does, with vectors of the length that the page names. */
async function startEmbeddingServer(): Promise<Server> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const { input } = JSON.parse(body) as { input: string[] };
      const embedding = Array.from({ length: 768 }, (_, i) => Math.cos(i + 1));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ data: input.map((_, index) => ({ object: 'embedding', index, embedding })) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
