import { DecidingRuleCache } from '../../access/authorise';
import type { Policy } from '../../access/policy';
import type { AuditEvent, AuditLog, TouchedMemories } from '../../audit/audit-log';
import { type ChainHead, looksLikeId } from '../../audit/chain-entry';
import type { Command, Outcome } from '../../domain/command';
import type { ErrorCode } from '../../domain/errors';
import { contains, type Namespace } from '../../domain/namespace';
import type { Action } from '../../domain/rule';

/** Collects the memories that one command affects, grouped by namespace, while the command is applied. */
export class TouchedByNamespace {
  readonly #groups = new Map<
    string | undefined,
    { readonly namespace: Namespace | undefined; readonly ids: Set<string> }
  >();
  /** The ids of the same groups. Looking up an array takes less time than making a text of it. */
  readonly #idsOf = new Map<Namespace | undefined, Set<string>>();

  touch(id: string, namespace: Namespace | undefined): void {
    if (namespace === undefined && !looksLikeId(id)) return;
    let ids = this.#idsOf.get(namespace);
    if (ids === undefined) {
      ids = this.#groupOf(namespace);
      this.#idsOf.set(namespace, ids);
    }
    ids.add(id);
  }

  /** Compares names: whether the cache of `Interning` gives one array or two for a namespace must not change what the audit records. */
  #groupOf(namespace: Namespace | undefined): Set<string> {
    const key = namespace && JSON.stringify(namespace);
    const known = this.#groups.get(key);
    if (known !== undefined) return known.ids;
    const ids = new Set<string>();
    this.#groups.set(key, { namespace, ids });
    return ids;
  }

  /** The collected memories, without those that have these ids. */
  except(ids: ReadonlySet<string>): TouchedMemories[] {
    const touched: TouchedMemories[] = [];
    for (const { namespace, ids: all } of this.#groups.values()) {
      const kept = ids.size === 0 ? [...all] : [...all].filter((id) => !ids.has(id));
      if (kept.length > 0) touched.push({ namespace, ids: kept });
    }
    return touched;
  }
}

/** The part of the store's state that an audit entry records. */
export interface StateOfStore {
  /** The rules that allowed or refused the command. */
  readonly policy: Policy;
  readonly changeSeq: number;
}

/** Writes the audit entry for each command, in the transaction that applies the command. The entry goes into the chain of changes. */
export class ChangesAudit {
  readonly trail: AuditLog;
  readonly #deciding = new DecidingRuleCache();

  constructor(trail: AuditLog) {
    this.trail = trail;
  }

  /** Writes the entry of a command, whether it succeeded or was refused. */
  record(command: Command, outcome: Outcome, touching: TouchedByNamespace, { policy, changeSeq }: StateOfStore): void {
    const { stamp } = command;
    // The secret of a new store belongs to nobody's actions.
    if (command.type === 'bootstrap' && outcome.ok) return;
    // A lease is renewed every few seconds, and gives access to nothing.
    if (command.type === 'lease' && outcome.ok) return;
    // What a summarizer costs tells nothing of memories. Its facts are recorded.
    if (command.type === 'spend' && outcome.ok) return;
    // Vectors are derived from the texts. The audit records when a move to another embedding space starts and ends, not every batch.
    if (command.type === 'embed' && outcome.ok) return;
    if (command.type === 'drop-space' && outcome.ok && !command.isLast) return;
    const namespace = askedOf(command, policy);
    const touched = touching.except(undone(command, outcome));
    const code = codeOf(outcome);
    const act: AuditEvent = {
      at: stamp.at,
      by: stamp.by,
      action: command.type,
      decision: code === undefined ? 'allowed' : 'refused',
      code,
      namespace,
      touched,
      policyVersion: policy.version,
      rules: this.#rules(command, policy, namespace, touched),
      changeSeq,
      head: outcome.ok ? this.#headOf(command) : undefined,
    };
    this.trail.append(act, () => stamp.seed);
  }

  #rules(
    command: Command,
    policy: Policy,
    namespace: Namespace,
    touched: readonly TouchedMemories[],
  ): readonly string[] {
    // The retention is the reason, as a rule is for what principals do.
    if (command.type === 'retire') return policy.declared.has(command.retention) ? [command.retention] : [];
    const action = actions[command.type];
    if (action === undefined) return [];
    const { by } = command.stamp;
    if (touched.length < 2) return this.#deciding.idsFor(policy, by, action, touched[0]?.namespace ?? namespace);
    const rules = touched.flatMap((each) => this.#deciding.idsFor(policy, by, action, each.namespace ?? namespace));
    return [...new Set(rules)];
  }

  /** The head (the latest link) of the audit chain, for commands that concern the chain itself. Other entries record no head. */
  #headOf(command: Command): ChainHead | undefined {
    if (command.type === 'epoch') return this.trail.chain.head();
    return command.type === 'retain' ? this.trail.chain.headOfSegments(command.upTo) : undefined;
  }
}

const actions: Partial<Record<Command['type'], Action>> = {
  remember: 'write',
  update: 'update',
  forget: 'forget',
  share: 'share',
  endorse: 'endorse',
  consolidate: 'consolidate',
  'undo-consolidation': 'consolidate',
  'add-declaration': 'administer',
  'end-declaration': 'administer',
};

/** The error code for an outcome. If the command found nothing to change, the code is NOT_FOUND. */
function codeOf(outcome: Outcome): ErrorCode | undefined {
  if (!outcome.ok) return outcome.error.code;
  const isNothing =
    ((outcome.type === 'forget' || outcome.type === 'retire') && outcome.forgotten.length === 0) ||
    (outcome.type === 'end-declaration' && !outcome.ended);
  return isNothing ? 'NOT_FOUND' : undefined;
}

const none: ReadonlySet<string> = new Set();

/** The ids that a command named but did not change. Its audit entry leaves them out. */
function undone(command: Command, outcome: Outcome): ReadonlySet<string> {
  if (!outcome.ok) return command.type === 'remember' ? new Set(command.drafts.map(({ id }) => id)) : none;
  if (command.type !== 'forget' || outcome.type !== 'forget' || outcome.forgotten.length === 0) return none;
  const forgotten = new Set(outcome.forgotten);
  return new Set(command.ids.filter((id) => !forgotten.has(id)));
}

/** The namespace that a command is about. For several memories it is the longest path that all their namespaces share. */
function askedOf(command: Command, policy: Policy): Namespace {
  switch (command.type) {
    case 'remember':
      return command.drafts.map(({ namespace }) => namespace).reduce(common);
    case 'share':
      return command.change.namespace ?? command.stamp.scope.namespace ?? [];
    case 'add-declaration':
      return placeOf(command.added.declaration);
    case 'end-declaration': {
      const found = policy.declared.get(command.id);
      return found === undefined ? [] : placeOf(found.declaration);
    }
    case 'retire': {
      const found = policy.declared.get(command.retention);
      return found === undefined ? [] : placeOf(found.declaration);
    }
    default:
      return command.stamp.scope.namespace ?? [];
  }
}

function placeOf(declaration: object): Namespace {
  return 'at' in declaration ? (declaration.at as Namespace) : [];
}

function common(a: Namespace, b: Namespace): Namespace {
  let depth = Math.min(a.length, b.length);
  while (!contains(a.slice(0, depth), b)) depth--;
  return a.slice(0, depth);
}
