import type { Database } from 'better-sqlite3';
import type { ClusterMembership, StoreCluster } from '../../domain/cluster-membership';
import { MemoryError } from '../../domain/errors';
import { prepare, type Statement } from '../../sqlite/sqlite';
import type { Checksum } from './checksum';
import { queries, type Tables } from './schema';

type Row = Tables['cluster_membership'];

// Later a store may follow several logs.
const log = 0;

/** The cluster to which a store belongs, and its members. Written in the transaction of the entry that changes them. */
export class ClusterMemberships {
  readonly #checksum: Pick<Checksum, 'ofText'>;
  readonly #get: Statement<{ log: number }, Row>;
  readonly #put: Statement<Row, unknown>;

  constructor(database: Database, checksum: Pick<Checksum, 'ofText'>) {
    this.#checksum = checksum;
    this.#get = prepare(database, (p) =>
      queries.selectFrom('cluster_membership').selectAll().where('log', '=', p('log')),
    );
    this.#put = prepare(database, (p) =>
      queries.replaceInto('cluster_membership').values({
        log: p('log'),
        cluster: p('cluster'),
        entry: p('entry'),
        members: p('members'),
        checksum: p('checksum'),
      }),
    );
  }

  /**
   * Undefined in a store that belongs to no cluster.
   *
   * @throws RECORD_DAMAGED. Members that are wrong could let two halves of a cluster decide on their own.
   */
  get(): StoreCluster | undefined {
    const row = this.#get.get({ log });
    if (row === undefined) return undefined;
    if (this.#checksumOf(row) !== row.checksum) throw damagedMembership();
    return { cluster: row.cluster, index: row.entry, ...(JSON.parse(row.members) as Omit<ClusterMembership, 'index'>) };
  }

  put({ cluster, index, configuration, addresses }: StoreCluster): void {
    const row = { log, cluster, entry: index, members: JSON.stringify({ configuration, addresses }) };
    this.#put.run({ ...row, checksum: this.#checksumOf(row) });
  }

  #checksumOf({ cluster, entry, members }: Omit<Row, 'checksum'>): string {
    return this.#checksum.ofText(JSON.stringify([cluster, entry, members]));
  }
}

/** Whether the database can say that its store belongs to a cluster. That of a new store, and of an early release, cannot. */
export function hasMemberships(database: Database): boolean {
  return database.prepare("select 1 from sqlite_master where name = 'cluster_membership'").get() !== undefined;
}

/**
 * Makes a store that belongs to a cluster one that is alone. Its log begins anew when it founds or joins a cluster, so that nothing of the
 * position in the old log stays.
 *
 * @returns Whether it belonged to a cluster.
 */
export function endMembership(database: Database): boolean {
  const remove = (table: 'cluster_membership' | 'log_position' | 'sessions') =>
    database.prepare(queries.deleteFrom(table).compile().sql).run().changes;
  return database.transaction(() => {
    const tables = ['log_position', 'sessions', 'cluster_membership'] as const;
    return tables.map(remove).some((removed) => removed > 0);
  })();
}

function damagedMembership(): MemoryError {
  const message =
    'The members of the cluster in the database are damaged. Remove this node from the cluster, and add it again with an empty folder.';
  return new MemoryError('RECORD_DAMAGED', message);
}
