import { mayIn } from '../access/authorise';
import type { Audit } from '../audit/audit';
import type { AuditLog } from '../audit/audit-log';
import type { AuditChainName, AuditDecision, ChainEntry } from '../audit/chain-entry';
import type { FoundEntry } from '../audit/search';
import { isRule } from '../domain/declaration';
import { defined } from '../domain/defined';
import { type ErrorCode, MemoryError } from '../domain/errors';
import { contains, type Namespace, showNamespace } from '../domain/namespace';
import { type Actor, isRoot, type Principal, principalOf } from '../domain/principal';
import type { Caller } from '../domain/scope';
import type { Engine } from './composition/engine';

/** One audit entry: a call that was allowed or refused. */
export interface AuditEntry {
  /**
   * The hash chain that contains the entry. 'changes': commands that `apply` has run or refused. 'access': reads, and calls that were
   * refused before they became a command.
   */
  chain: AuditChainName;
  at: Date;
  /** The principal that made the call. Undefined if its name was erased. For the host it is the service `root`. */
  by: Principal | undefined;
  /** The codes that stand for the principal's names in the chain. They stay when the names are erased. */
  pseudonyms: { party: string; onBehalfOf?: string };
  /** The name of the call: 'recall', 'get', 'remember' and so on. */
  action: string;
  decision: AuditDecision;
  /** The error code, if the call was refused. */
  code?: ErrorCode;
  /** The namespace that the call was about. */
  namespace?: string[];
  /** The memories that the call returned, changed or named. A query by `id` or `userId` shows only the memories that match it. */
  memories: { id: string; namespace?: string[] }[];
  /**
   * The number of the entry in its chain, from 1. This field and the fields below reveal how much other principals do. They are present
   * only for principals that may audit the whole store.
   */
  seq?: number;
  /** The version of the access rules at the time of the call. */
  policyVersion?: number;
  /** The ids of the declarations that allowed or denied the call. */
  rules?: string[];
  /** The number of the latest change in the store at the time of the call. */
  changeSeq?: number;
}

/** An entry with its hash and the bytes that the hash covers, so that a program outside the store can compute the chain again. */
export interface ExportedAuditEntry extends AuditEntry {
  /**
   * SHA-256(0x00 || previous hash || body) in Base64. It is also a leaf hash in a Merkle tree as in RFC 6962. Present only for
   * principals that may audit every namespace in the entry.
   */
  hash?: string;
  /** The JSON of the entry, exactly as it is in the chain. Present together with `hash`. */
  body?: string;
}

interface AuditViewDeps {
  readonly state: Pick<Engine['state'], 'policy'>;
  readonly audit: Pick<Audit, 'logs'>;
}

/** Reduces audit entries to the parts that one caller may see. Each query makes its own view. */
export class AuditView {
  readonly #deps: AuditViewDeps;
  readonly #actor: Actor;
  readonly #within: Namespace;
  readonly #ids: ReadonlySet<string> | undefined;
  readonly #scopeNamespace: Namespace;
  // Names do not change during a query, so they are cached.
  readonly #namespaces = new Map<string, Namespace | undefined>();
  readonly #principals = new Map<string, Principal | undefined>();

  /**
   * @param within Shows only entries about this namespace and those below it.
   * @param ids Shows only these memories, or all if undefined.
   */
  constructor(deps: AuditViewDeps, { actor, scope }: Caller, within: Namespace, ids: readonly string[] | undefined) {
    this.#deps = deps;
    this.#actor = actor;
    this.#within = within;
    this.#ids = ids === undefined ? undefined : new Set(ids);
    this.#scopeNamespace = scope.namespace ?? [];
  }

  /** Checks access again for each entry, because the caller may lose access while the query runs. */
  get #auditsWholeStore(): boolean {
    return this.#scopeNamespace.length === 0 && mayIn(this.#deps.state.policy, this.#actor, 'audit', []);
  }

  /** Only who may erase memories, beside auditing them, may learn that a legal hold keeps some of them. */
  get #mayKnowOfHolds(): boolean {
    return this.#auditsWholeStore && mayIn(this.#deps.state.policy, this.#actor, 'erase', []);
  }

  /** Returns the part of an entry that the caller may see. Undefined if it may see nothing. */
  entry({ chain, entry }: FoundEntry): AuditEntry | undefined {
    const log = this.#deps.audit.logs[chain];
    if (isAboutHolds(entry.action) && !this.#mayKnowOfHolds) return undefined;
    const { at, action, decision, code, party, onBehalfOf, seq, policyVersion, rules, changeSeq } = entry;
    const memories = this.#memories(chain, entry);
    const namespace = this.#namespace(chain, log, entry.namespace);
    const isNamespaceVisible = this.#maySee(namespace);
    // An entry about a visible namespace is shown even if it names memories in other namespaces. If it were missing, that would reveal
    // that an id exists in another namespace.
    if (memories.length === 0 && (this.#ids !== undefined || !isNamespaceVisible)) return undefined;
    return {
      chain,
      at: new Date(at),
      by: this.#principal(chain, log, entry),
      action,
      decision,
      memories,
      pseudonyms: { party, ...defined({ onBehalfOf: onBehalfOf ?? undefined }) },
      ...defined({ code: code ?? undefined }),
      ...(namespace === undefined || !isNamespaceVisible ? {} : { namespace: [...namespace] }),
      ...(this.#auditsWholeStore ? { seq, policyVersion, rules: [...rules], changeSeq } : {}),
    };
  }

  /** Returns the part of an entry that the caller may see. Adds its hash and body if the caller may see the whole entry. */
  exportedEntry(found: FoundEntry): ExportedAuditEntry | undefined {
    const visible = this.entry(found);
    if (visible === undefined || !this.#auditsWholeStore || !this.#maySeeAll(found)) return visible;
    return { ...visible, hash: Buffer.from(found.hash).toString('base64'), body: found.body.toString() };
  }

  #maySeeAll({ chain, entry }: FoundEntry): boolean {
    const log = this.#deps.audit.logs[chain];
    const { policy } = this.#deps.state;
    const names = [entry.namespace, ...entry.touched.map(([name]) => name)].filter((name) => name !== null);
    return (
      isRoot(this.#actor) ||
      names.every((name) => {
        const namespace = this.#namespace(chain, log, name);
        return namespace === undefined || mayIn(policy, this.#actor, 'audit', namespace);
      })
    );
  }

  #memories(chain: AuditChainName, { touched }: ChainEntry): AuditEntry['memories'] {
    const log = this.#deps.audit.logs[chain];
    return touched.flatMap(([name, ids]) => {
      const namespace = this.#namespace(chain, log, name);
      if (!this.#maySee(namespace)) return [];
      const shown = this.#ids === undefined ? ids : ids.filter((id) => this.#ids?.has(id));
      return shown.map((id) => (namespace === undefined ? { id } : { id, namespace: [...namespace] }));
    });
  }

  /** Checks whether the caller may see a namespace. For one that is unknown or erased, the caller needs `audit` in the whole store. */
  #maySee(namespace: Namespace | undefined): boolean {
    if (namespace === undefined) return this.#auditsWholeStore && this.#within.length === 0;
    return contains(this.#within, namespace) && mayIn(this.#deps.state.policy, this.#actor, 'audit', namespace);
  }

  #namespace(chain: AuditChainName, { names }: AuditLog, pseudonym: string | null): Namespace | undefined {
    if (pseudonym === null) return undefined;
    const key = `${chain} ${pseudonym}`;
    if (!this.#namespaces.has(key)) this.#namespaces.set(key, names.namespace(pseudonym));
    return this.#namespaces.get(key);
  }

  #principal(chain: AuditChainName, log: AuditLog, { party, onBehalfOf }: ChainEntry): Principal | undefined {
    const key = `${chain} ${party} ${onBehalfOf}`;
    if (!this.#principals.has(key)) this.#principals.set(key, principalBehind(log, party, onBehalfOf));
    return this.#principals.get(key);
  }
}

function principalBehind({ names }: AuditLog, party: string, onBehalfOf: string | null): Principal | undefined {
  if (party === 'root') return principalOf({ party });
  const first = names.party(party);
  const second = onBehalfOf === null ? undefined : names.party(onBehalfOf);
  if (first === undefined || (onBehalfOf !== null && second === undefined)) return undefined;
  return principalOf(second === undefined ? { party: first } : { party: first, onBehalfOf: second });
}

/**
 * Checks that a caller may audit at least one namespace within its scope.
 *
 * @throws FORBIDDEN
 */
export function assertMayAudit({ policy }: Pick<Engine['state'], 'policy'>, { actor, scope }: Caller): void {
  const { namespace = [], ...others } = scope;
  if (Object.values(others).some((value) => value !== undefined)) {
    const message =
      'Not allowed to query the audit: the scope of this handle has other fields than `namespace`. Use a handle whose scope has at most a namespace.';
    throw new MemoryError('FORBIDDEN', message);
  }
  const allowedAt = [...policy.declared.values()].flatMap(({ declaration }) =>
    isRule(declaration) && declaration.effect === 'allow' && policy.actionsOf(declaration.actions).includes('audit')
      ? [declaration.at]
      : [],
  );
  const places = [namespace, ...allowedAt.filter((at) => contains(namespace, at))];
  if (!places.some((at) => mayIn(policy, actor, 'audit', at))) {
    const message = `Not allowed to query the audit: requires \`audit\` in ${showNamespace(namespace)} or below and no deny rule.`;
    throw new MemoryError('FORBIDDEN', message);
  }
}

const actionsOfHolds: ReadonlySet<string> = new Set(['hold', 'release-hold', 'holds', 'withheld']);

function isAboutHolds(action: string): boolean {
  return actionsOfHolds.has(action);
}
