import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Stands between clients and the holder, and cuts the connection before an answer comes through. */
export interface CuttingProxy {
  /** The next answer that is about to come through does not, and its connection ends. */
  cutNext(): void;
  /** How many answers were cut off. */
  readonly cuts: number;
}

/** Puts itself where the holder of the folder was told to be. Called anew after each holder. */
export async function cutAnswersOf(folder: string): Promise<CuttingProxy> {
  const file = join(folder, 'connect', 'address.json');
  const address = JSON.parse(readFileSync(file, 'utf8')) as { socket: string; token: string };
  const sockets = new Set<Socket>();
  let isCutting = false;
  let cuts = 0;
  const server = createServer((client) => {
    const holder = createConnection(address.socket);
    for (const socket of [client, holder]) sockets.add(socket.on('error', () => undefined));
    client.on('data', (chunk) => holder.write(chunk));
    holder.on('data', (chunk) => {
      if (!isCutting) return client.write(chunk);
      isCutting = false;
      cuts++;
      client.destroy();
      return holder.destroy();
    });
    client.on('close', () => holder.destroy());
    holder.on('close', () => client.destroy());
  });
  const path = join(folder, 'connect', 'proxy.test');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  writeFileSync(file, JSON.stringify({ ...address, socket: path }));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
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
