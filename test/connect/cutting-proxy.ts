import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A proxy between clients and the serving process, which cuts a connection before an answer reaches the client. */
export interface CuttingProxy {
  /** Drops the next answer and ends its connection. */
  cutNext(): void;
  /** How many answers were dropped. */
  readonly cuts: number;
}

/** Starts a proxy and publishes its address in place of the one of the serving process. Call it again after a failover. */
export async function cutAnswersOf(folder: string): Promise<CuttingProxy> {
  const file = join(folder, 'connect', 'address.json');
  const address = JSON.parse(readFileSync(file, 'utf8')) as { socket: string; token: string };
  const sockets = new Set<Socket>();
  let isCutting = false;
  let cuts = 0;
  const proxy = createServer((client) => {
    const server = createConnection(address.socket);
    for (const socket of [client, server]) sockets.add(socket.on('error', () => undefined));
    client.on('data', (chunk) => server.write(chunk));
    server.on('data', (chunk) => {
      if (!isCutting) return client.write(chunk);
      isCutting = false;
      cuts++;
      client.destroy();
      return server.destroy();
    });
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  });
  const path = join(folder, 'connect', 'proxy.test');
  await new Promise<void>((resolve) => proxy.listen(path, resolve));
  writeFileSync(file, JSON.stringify({ ...address, socket: path }));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return {
    cutNext: () => {
      isCutting = true;
    },
    get cuts() {
      return cuts;
    },
  };
}
