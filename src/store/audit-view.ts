import { mayIn } from '../access/authorise';
import type { AuditLog } from '../audit/audit-log';
import type { AuditChainName, AuditDecision, ChainEntry } from '../audit/chain-entry';
import type { FoundEntry } from '../audit/search';
import { isRule } from '../domain/declaration';
import { type ErrorCode, MemoryError } from '../domain/errors';
import { contains, type Namespace } from '../domain/namespace';
import { type Actor, isRoot, type Principal, principalOf } from '../domain/principal';
import type { Caller } from '../domain/scope';
import type { Engine } from './composition/engine';

/** Something that was done or refused, as the audit holds it. */
export interface AuditEntry {
  /** 'changes': what was done to the store. 'access': reads, and what was refused before it was proposed. */
  chain: AuditChainName;
  at: Date;
  /** Undefined where the name was erased. The host shows as the service `root`. */
  by: Principal | undefined;
  /** What stands for the two halves of who acted, in the chain. */
  pseudonyms: { party: string; onBehalfOf?: string };
  /** The call: 'recall', 'get', 'remember'. */
  action: string;
  decision: AuditDecision;
  /** Why it was refused. */
  code?: ErrorCode;
  /** The namespace that the call was about. */
  namespace?: string[];
  /** The memories that were returned, changed or asked for; in a query about some, only those. */
  memories: { id: string; namespace?: string[] }[];
  /** For who may audit the whole store: its number in its chain, from 1. It tells how much others do. */
  seq?: number;
  /** For who may audit the whole store: the version of the rules, and the ids of those that decided. */
  policyVersion?: number;
  rules?: string[];
  /** For who may audit the whole store: the number of the store's last change. */
  changeSeq?: number;
}

/** An entry with what its hash covers, so that anybody can compute the chain anew. */
export interface ExportedAuditEntry extends AuditEntry {
  /**
   * SHA-256(0x00 || previous || body), which is also a leaf of the Merkle tree of RFC 6962. In Base64; only for who may audit
   * all that the entry is about.
   */
  hash?: string;
  body?: string;
}

/** What a principal may see of the audit, inside the scope of its handle. */
export class AuditView {
  readonly #engine: Engine;
  readonly #actor: Actor;
  readonly #within: Namespace;
  readonly #ids: ReadonlySet<string> | undefined;
  readonly #bound: Namespace;
  // Of one query: names do not change meanwhile.
  readonly #namespaces = new Map<string, Namespace | undefined>();
  readonly #principals = new Map<string, Principal | undefined>();

  /**
   * @param within Only entries about this namespace and below.
   * @param ids Only these memories are shown.
   */
  constructor(engine: Engine, { actor, scope }: Caller, within: Namespace, ids: readonly string[] | undefined) {
    this.#engine = engine;
    this.#actor = actor;
    this.#within = within;
    this.#ids = ids === undefined ? undefined : new Set(ids);
    this.#bound = scope.namespace ?? [];
  }

  /** Decided for each entry: the right may be taken while the query runs. */
  get #isWhole(): boolean {
    return this.#bound.length === 0 && mayIn(this.#engine.state.policy, this.#actor, 'audit', []);
  }

  /** The entry as it may be seen; undefined where none of it may. */
  show({ chain, entry }: FoundEntry): AuditEntry | undefined {
    const trail = this.#engine.audit.logs[chain];
    const { at, action, decision, code, party, onBehalfOf, seq, policyVersion, rules, changeSeq } = entry;
    const memories = this.#memories(chain, entry);
    const asked = this.#namespace(chain, trail, entry.namespace);
    const isAskedSeen = this.#sees(asked);
    // Shown for what it asked, too, whatever it touched elsewhere: else it would tell which ids there are elsewhere.
    if (memories.length === 0 && (this.#ids !== undefined || !isAskedSeen)) return undefined;
    return {
      ...{ chain, at: new Date(at), by: this.#principal(chain, trail, entry), action, decision, memories },
      pseudonyms: { party, ...(onBehalfOf === null ? {} : { onBehalfOf }) },
      ...(code === null ? {} : { code }),
      ...(asked === undefined || !isAskedSeen ? {} : { namespace: [...asked] }),
      ...(this.#isWhole ? { seq, policyVersion, rules: [...rules], changeSeq } : {}),
    };
  }

  /** The same, with what proves it where all of it may be seen. */
  export(found: FoundEntry): ExportedAuditEntry | undefined {
    const shown = this.show(found);
    if (shown === undefined || !this.#isWhole || !this.#seesAll(found)) return shown;
    return { ...shown, hash: Buffer.from(found.hash).toString('base64'), body: found.body.toString() };
  }

  #seesAll({ chain, entry }: FoundEntry): boolean {
    const trail = this.#engine.audit.logs[chain];
    const { policy } = this.#engine.state;
    const names = [entry.namespace, ...entry.touched.map(([name]) => name)].filter((name) => name !== null);
    return (
      isRoot(this.#actor) ||
      names.every((name) => {
        const namespace = this.#namespace(chain, trail, name);
        return namespace === undefined || mayIn(policy, this.#actor, 'audit', namespace);
      })
    );
  }

  #memories(chain: AuditChainName, { touched }: ChainEntry): AuditEntry['memories'] {
    const trail = this.#engine.audit.logs[chain];
    return touched.flatMap(([name, ids]) => {
      const namespace = this.#namespace(chain, trail, name);
      if (!this.#sees(namespace)) return [];
      const shown = this.#ids === undefined ? ids : ids.filter((id) => this.#ids?.has(id));
      return shown.map((id) => (namespace === undefined ? { id } : { id, namespace: [...namespace] }));
    });
  }

  /** Where a name is not known, or was erased, only who may audit everything sees what it was about. */
  #sees(namespace: Namespace | undefined): boolean {
    if (namespace === undefined) return this.#isWhole && this.#within.length === 0;
    return contains(this.#within, namespace) && mayIn(this.#engine.state.policy, this.#actor, 'audit', namespace);
  }

  #namespace(chain: AuditChainName, { names }: AuditLog, pseudonym: string | null): Namespace | undefined {
    if (pseudonym === null) return undefined;
    const key = `${chain} ${pseudonym}`;
    if (!this.#namespaces.has(key)) this.#namespaces.set(key, names.namespace(pseudonym));
    return this.#namespaces.get(key);
  }

  #principal(chain: AuditChainName, trail: AuditLog, { party, onBehalfOf }: ChainEntry): Principal | undefined {
    const key = `${chain} ${party} ${onBehalfOf}`;
    if (!this.#principals.has(key)) this.#principals.set(key, namedPrincipal(trail, party, onBehalfOf));
    return this.#principals.get(key);
  }
}

function namedPrincipal({ names }: AuditLog, party: string, onBehalfOf: string | null): Principal | undefined {
  if (party === 'root') return principalOf({ party });
  const first = names.party(party);
  const second = onBehalfOf === null ? undefined : names.party(onBehalfOf);
  if (first === undefined || (onBehalfOf !== null && second === undefined)) return undefined;
  return principalOf(second === undefined ? { party: first } : { party: first, onBehalfOf: second });
}

/**
 * Asserts that a principal may look into the audit somewhere inside its scope.
 *
 * @throws FORBIDDEN
 */
export function assertAudits({ state }: Engine, { actor, scope }: Caller): void {
  const { namespace = [], ...others } = scope;
  if (Object.values(others).some((word) => word !== undefined)) {
    throw forbidden('A handle with a scope of anything but a namespace sees no audit: use one without.');
  }
  const { policy } = state;
  const allowedAt = [...policy.declared.values()].flatMap(({ declaration }) =>
    isRule(declaration) && declaration.effect === 'allow' && policy.actionsOf(declaration.actions).includes('audit')
      ? [declaration.at]
      : [],
  );
  const places = [namespace, ...allowedAt.filter((at) => contains(namespace, at))];
  if (!places.some((at) => mayIn(policy, actor, 'audit', at))) {
    throw forbidden('Looking into the audit takes the action audit, and no rule allows it here, or one denies it.');
  }
}

function forbidden(message: string): MemoryError {
  return new MemoryError('FORBIDDEN', message);
}
