import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { memoryOf } from '../shared/corpus';
import { loadPeer, PeerUnavailable } from './peer';
import { bytesOf } from './sqlite-vec';

interface Client {
  hset(key: string, fields: Readonly<Record<string, string | Buffer>>): Promise<number>;
  disconnect(): void;
}

type IoRedis = { readonly Redis: new (options: { path: string; enableAutoPipelining: boolean }) => Client };

const startMs = 10_000;

/** A Redis server in a process of its own that acknowledges a write when it is on disk (`appendfsync always`). */
export class RedisServer {
  readonly #client: Client;
  readonly #stop: () => Promise<void>;

  private constructor(client: Client, stop: () => Promise<void>) {
    this.#client = client;
    this.#stop = stop;
  }

  /** @throws PeerUnavailable */
  static async start(folder: string): Promise<RedisServer> {
    const { Redis } = loadPeer<IoRedis>('ioredis');
    // The path of a socket may have about 100 characters, and that of the folder may have more.
    const socketFolder = await mkdtemp(join(tmpdir(), 'redis-'));
    const socket = join(socketFolder, 'redis.sock');
    const options = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', ''];
    const server = spawn('redis-server', [...options, '--appendonly', 'yes', '--appendfsync', 'always'], {
      stdio: 'ignore',
    });
    const stop = () => void server.kill();
    process.once('exit', stop);
    const ended = once(server, 'exit').catch(() => undefined);
    const failed = once(server, 'error').then(([error]) => error as NodeJS.ErrnoException);
    const ready = await Promise.race([failed, socketExists(socket)]);
    if (ready !== true) {
      stop();
      await rm(socketFolder, { recursive: true });
      const reason = ready === false ? 'it did not start' : ready.code;
      throw new PeerUnavailable(`redis-server cannot be run (${reason}). Install it, for example with apt-get.`);
    }
    // Commands of one turn of the event loop travel together.
    const client = new Redis({ path: socket, enableAutoPipelining: true });
    return new RedisServer(client, async () => {
      client.disconnect();
      process.off('exit', stop);
      stop();
      await ended;
      await rm(socketFolder, { recursive: true, force: true });
    });
  }

  /** Stores one memory. Resolves when it is on disk. */
  async remember(id: string, item: ReturnType<typeof memoryOf>): Promise<void> {
    const { text, namespace, userId = '', sessionId = '', metadata, vector } = item;
    await this.#client.hset(id, {
      text,
      namespace: JSON.stringify(namespace),
      userId,
      sessionId,
      metadata: JSON.stringify(metadata),
      vector: Buffer.from(bytesOf(vector)),
    });
  }

  async close(): Promise<void> {
    await this.#stop();
  }
}

async function socketExists(path: string): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < startMs; waitedMs += 50) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) return true;
    await setTimeout(50);
  }
  return false;
}
