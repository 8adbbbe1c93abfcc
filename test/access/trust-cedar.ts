import {
  type EntityJson,
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
  type TypeAndId,
} from '@cedar-policy/cedar-wasm/nodejs';
import type { Ceiling, Group } from 'multi-agent-memory';
// Sets a flag that Cedar needs in Node 20.
import './cedar';
import type { Half } from './reference';
import { type Channel, type Level, levelOf, levels, type TrustedNote, type TrustReference } from './trust-reference';

const [schemaName, policiesName] = ['trust', 'ceilings'];
const parts = ['Agent', 'User', 'Service', 'Channel'];
const reporting: readonly Channel[] = ['tool', 'document', 'import'];

/**
 * Translates ceilings to policies for Cedar. The question is whether a half of an author, or a channel, reaches a level in a namespace. A
 * ceiling below the level forbids it. What needs a declaration, 'verified' for a half and 'standard' for a channel that reports what others
 * said, is permitted by one that is as high; everything else is permitted.
 */
export class TrustCedar {
  readonly #reference: TrustReference;
  readonly #opaque = new Map<string, string>();
  readonly #kept = new Map<string, boolean>();
  requests = 0;

  constructor(reference: TrustReference) {
    this.#reference = reference;
    const of = { appliesTo: { principalTypes: parts, resourceTypes: ['Namespace'] } };
    const schema = {
      '': {
        entityTypes: {
          ...{ Everyone: {}, Group: {}, Namespace: { memberOfTypes: ['Namespace'] } },
          ...Object.fromEntries(parts.map((type) => [type, { memberOfTypes: ['Group', 'Everyone'] }])),
        },
        actions: Object.fromEntries(levels.slice(1).map((level) => [level, of])),
      },
    };
    for (const parsed of [
      preparseSchema(schemaName as string, schema),
      preparsePolicySet(policiesName as string, { staticPolicies: this.#policies() }),
    ])
      if (parsed.type === 'failure') throw new Error(`Cedar's parser: ${JSON.stringify(parsed.errors)}`);
  }

  /** The highest level that the memory and everything that it was made from reach. */
  trustOf(note: TrustedNote): Level {
    const own = ([3, 2, 1] as const).find((level) => level <= note.stored && this.#reaches(note, level)) ?? 0;
    return Math.min(own, ...note.sources.map((source) => this.trustOf(source))) as Level;
  }

  #reaches({ author, channel, namespace }: TrustedNote, level: Level): boolean {
    const halves = author === 'root' ? [] : this.#reference.halves(author).map((half) => this.#half(half));
    return [...halves, { type: 'Channel', id: channel }].every((each) => this.#isAllowed(each, level, namespace));
  }

  #policies(): string {
    const ceilings = this.#reference.declarations.filter((each): each is Ceiling => 'ceiling' in each);
    const isReporting = reporting.map((each) => `principal == Channel::"${each}"`).join(' || ');
    const needsVerified = 'principal is Agent || principal is User || principal is Service';
    const written = [
      `permit(principal, action == Action::"reported", resource);`,
      `permit(principal, action == Action::"standard", resource) unless { ${isReporting} };`,
      `permit(principal, action == Action::"verified", resource) unless { ${isReporting} || ${needsVerified} };`,
    ];
    for (const each of ceilings) {
      for (const level of [1, 2, 3] as const) {
        const effect = levelOf(each) < level ? 'forbid' : 'permit';
        const scope = `principal ${this.#subject(each)}, action == Action::"${levels[level]}", resource in ${shown(this.#namespace(each.at))}`;
        const when = 'channel' in Object(each.to) ? '' : ` unless { principal is Channel }`;
        written.push(`${effect}(${scope})${when};`);
      }
    }
    return written.join('\n');
  }

  #isAllowed(principal: TypeAndId, level: Level, namespace: readonly string[]): boolean {
    const resource = this.#namespace(namespace);
    const question = `${shown(principal)} ${level} ${shown(resource)}`;
    const known = this.#kept.get(question);
    if (known !== undefined) return known;
    this.requests++;
    const answer = statefulIsAuthorized({
      ...{ principal, action: { type: 'Action', id: levels[level] }, resource, context: {} },
      ...{
        preparsedSchemaName: schemaName as string,
        validateRequest: true,
        preparsedPolicySetId: policiesName as string,
      },
      entities: [...this.#principalEntities(principal), ...this.#namespaceEntities(namespace)],
    });
    if (answer.type === 'failure' || answer.response.diagnostics.errors.length > 0)
      throw new Error(`Cedar's answer: ${JSON.stringify(answer)}`);
    const isAllowed = answer.response.decision === 'allow';
    this.#kept.set(question, isAllowed);
    return isAllowed;
  }

  #subject({ to }: Ceiling): string {
    if (to === 'everyone') return 'in Everyone::"everyone"';
    if ('channel' in to) return `== Channel::"${to.channel}"`;
    return 'group' in to ? `in Group::"${this.#id('g', to.group)}"` : `== ${shown(this.#half(to))}`;
  }

  #half(half: Half): TypeAndId {
    const type = 'agentId' in half ? 'Agent' : 'userId' in half ? 'User' : 'Service';
    return { type, id: this.#id('p', Object.values(half).join()) };
  }

  #principalEntities(principal: TypeAndId): EntityJson[] {
    if (principal.type === 'Channel') return [{ uid: principal, attrs: {}, parents: [] }];
    const groups = this.#reference.declarations.filter(
      (each): each is Group =>
        'members' in each && each.members.some((member) => shown(this.#half(member)) === shown(principal)),
    );
    const parents = [
      ...groups.map((each) => ({ type: 'Group', id: this.#id('g', each.group) })),
      { type: 'Everyone', id: 'everyone' },
    ];
    return [{ uid: principal, attrs: {}, parents }, ...parents.map((uid) => ({ uid, attrs: {}, parents: [] }))];
  }

  #namespaceEntities(namespace: readonly string[]): EntityJson[] {
    const uid = this.#namespace(namespace);
    if (namespace.length === 0) return [{ uid, attrs: {}, parents: [] }];
    const above = namespace.slice(0, -1);
    return [{ uid, attrs: {}, parents: [this.#namespace(above)] }, ...this.#namespaceEntities(above)];
  }

  #namespace(namespace: readonly string[]): TypeAndId {
    return { type: 'Namespace', id: this.#id('n', JSON.stringify(namespace)) };
  }

  #id(sort: string, name: string): string {
    const known = this.#opaque.get(`${sort} ${name}`) ?? `${sort}${this.#opaque.size}`;
    this.#opaque.set(`${sort} ${name}`, known);
    return known;
  }
}

function shown({ type, id }: TypeAndId): string {
  return `${type}::"${id}"`;
}
