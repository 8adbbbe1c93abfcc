import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const version = 'v2.12.1';
const installMs = 240_000;
const startMs = 20_000;

/** A server that can be run, or why there is none. */
export type FoundServer = { readonly path: string } | { readonly missing: string };

/**
 * Finds `nats-server`: the program that NATS_SERVER names, or the one in the cache of this user, where `go install` puts it the first time.
 */
export async function findServer(): Promise<FoundServer> {
  const named = process.env.NATS_SERVER;
  if (named !== undefined) return existsSync(named) ? { path: named } : { missing: `${named} does not exist` };
  const folder = join(
    process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
    'multi-agent-memory',
    `nats-server-${version}`,
  );
  const path = join(folder, process.platform === 'win32' ? 'nats-server.exe' : 'nats-server');
  if (existsSync(path)) return { path };
  try {
    mkdirSync(folder, { recursive: true });
    const options = { env: { ...process.env, GOBIN: folder }, timeout: installMs };
    await promisify(execFile)('go', ['install', `github.com/nats-io/nats-server/v2@${version}`], options);
    return { path };
  } catch (error) {
    const { code } = error as { code?: unknown };
    return { missing: code === 'ENOENT' ? 'Go is not installed' : 'go install could not get nats-server' };
  }
}

/** The title of a suite, with the reason if it is skipped. */
export function titleWith(found: FoundServer, title: string): string {
  return 'missing' in found ? `${title} (skipped: ${found.missing})` : title;
}

/** One or several servers of NATS on loopback, with their files in temporary folders. */
export class NatsServers {
  readonly #path: string;
  readonly #servers: {
    readonly port: number;
    readonly config: string;
    readonly store: string;
    process: ChildProcess | undefined;
  }[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'nats-'));

  private constructor(path: string) {
    this.#path = path;
  }

  /** Starts a server, or a cluster of several. Each write is synced, as the documentation demands. */
  static async start(path: string, count = 1): Promise<NatsServers> {
    const servers = new NatsServers(path);
    const ports = await freePorts(2 * count);
    const routes = ports.slice(count).map((port) => `nats://127.0.0.1:${port}`);
    for (let i = 0; i < count; i++) {
      const store = join(servers.#folder, `store-${i}`);
      const config = join(servers.#folder, `${i}.conf`);
      const cluster =
        count === 1
          ? ''
          : `cluster { name: test, listen: "127.0.0.1:${ports[count + i]}", routes: [${routes.join(', ')}] }`;
      const lines = [
        `server_name: server-${i}`,
        `listen: "127.0.0.1:${ports[i]}"`,
        `jetstream { store_dir: ${JSON.stringify(store)}, sync_interval: always }`,
        cluster,
      ];
      writeFileSync(config, `${lines.join('\n')}\n`);
      servers.#servers.push({ port: ports[i] as number, config, store, process: undefined });
    }
    for (let i = 0; i < count; i++) await servers.run(i);
    return servers;
  }

  get addresses(): string[] {
    return this.#servers.map(({ port }) => `127.0.0.1:${port}`);
  }

  /** Starts a server that was killed. Resolves when it accepts connections. */
  async run(i = 0): Promise<void> {
    const server = this.#server(i);
    server.process = spawn(this.#path, ['-c', server.config], { stdio: 'ignore' });
    for (let waited = 0; !(await accepts(server.port)); waited += 50) {
      if (waited > startMs) throw new Error('The server does not start.');
      await wait(50);
    }
  }

  /** Ends a server at once. */
  async kill(i = 0): Promise<void> {
    const { process: child } = this.#server(i);
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    this.#server(i).process = undefined;
  }

  /** The folder in which a server keeps its streams. */
  folderOf(i = 0): string {
    return this.#server(i).store;
  }

  async close(): Promise<void> {
    for (let i = 0; i < this.#servers.length; i++) await this.kill(i);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #server(i: number) {
    const server = this.#servers[i];
    if (server === undefined) throw new Error(`There is no server ${i}.`);
    return server;
  }
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const listeners = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(listeners.map((each) => once(each, 'listening')));
  const ports = listeners.map((each) => (each.address() as { port: number }).port);
  await Promise.all(listeners.map((each) => promisify(each.close.bind(each))()));
  return ports;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
