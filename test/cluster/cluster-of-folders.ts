import { createServer } from 'node:net';
import { join } from 'node:path';
import { type ClusterOptions, MemoryStore, type OpenOptions } from 'multi-agent-memory';
import { expect, onTestFinished } from 'vitest';
import { openToAll, temporaryFolder } from '../store/stores';

/** Nodes of one cluster in this process, each with a folder of its own. They are closed with the test. */
export class ClusterOfFolders {
  readonly folder: string;
  readonly #ports = new Map<string, number>();
  readonly #open = new Map<string, MemoryStore>();

  readonly #proof: Pick<ClusterOptions, 'secret'>;

  private constructor(folder: string, proof: Pick<ClusterOptions, 'secret'>) {
    this.folder = folder;
    this.#proof = proof;
  }

  /** @param proof What lets the nodes connect. Default: a secret. */
  static async inTemporaryFolder(proof: Pick<ClusterOptions, 'secret'> = { secret: 'only for this test' }) {
    return new ClusterOfFolders(await temporaryFolder(), proof);
  }

  folderOf(name: string): string {
    return join(this.folder, name);
  }

  /** The options of a node. Each name has one address. */
  async optionsOf(name: string): Promise<ClusterOptions & Required<Pick<ClusterOptions, 'listen'>>> {
    const port = this.#ports.get(name) ?? (await freePort());
    this.#ports.set(name, port);
    return { listen: { host: '127.0.0.1', port }, ...this.#proof, waitMs: 10_000 };
  }

  /** Opens the folder of a node. */
  async open(name: string, start: Partial<ClusterOptions> = {}, options: OpenOptions = {}): Promise<MemoryStore> {
    const cluster = { ...(await this.optionsOf(name)), ...start };
    const store = await MemoryStore.open(this.folderOf(name), { access: openToAll, cluster, ...options });
    this.#open.set(name, store);
    onTestFinished(() => store.close());
    return store;
  }

  /** Opens the folder of a node that founds the cluster. */
  found(name: string): Promise<MemoryStore> {
    return this.open(name, { bootstrap: true });
  }

  /** Opens the folder of a node that joins the nodes that are open. */
  async join(name: string, role: 'voter' | 'learner' = 'voter'): Promise<MemoryStore> {
    const members = [...this.#open.keys()].filter((each) => each !== name);
    return this.open(name, { role, join: members.map((each) => `127.0.0.1:${this.#ports.get(each)}`) });
  }

  async close(name: string): Promise<void> {
    await this.#open.get(name)?.close();
    this.#open.delete(name);
  }
}

/** Waits until the members have these roles, in the order of their ids. */
export async function settledRoles(store: MemoryStore, ...roles: readonly string[]): Promise<void> {
  const rolesNow = async () => (await store.cluster.status()).members.map(({ role }) => role).sort();
  await expect.poll(rolesNow).toEqual([...roles].sort());
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
