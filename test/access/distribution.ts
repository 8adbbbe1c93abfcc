import type { Declaration, Rule, Subject } from 'multi-agent-memory';
import { answered, type Decision } from './decisions';
import { type Half, Reference, type Who } from './reference';

const kindOf = (to: Subject) => (to === 'everyone' ? 'everyone' : 'group' in to ? 'group' : 'direct');
const without = (gone: (declaration: Declaration) => boolean) => (reference: Reference) =>
  new Reference(reference.declarations.filter((each) => !gone(each)));
const isRule = (each: Declaration): each is Rule => 'effect' in each;
const rule = (effect: Rule['effect'], kind: string) =>
  without((each) => isRule(each) && each.effect === effect && kindOf(each.to) === kind);
const own = (declarations: readonly Declaration[], name: string) =>
  declarations.some((each) => 'role' in each && each.role === name);

/** Functions that remove one kind of rule from a reference. */
const kinds: Readonly<Record<string, (reference: Reference) => Reference>> = {
  'allow direct': rule('allow', 'direct'),
  'allow by group': rule('allow', 'group'),
  'allow everyone': rule('allow', 'everyone'),
  'deny direct': rule('deny', 'direct'),
  'deny by group': rule('deny', 'group'),
  'deny everyone': rule('deny', 'everyone'),
  'built-in role': (reference) =>
    without((each) => isRule(each) && typeof each.actions === 'string' && !own(reference.declarations, each.actions))(
      reference,
    ),
  'own role': (reference) =>
    without((each) => isRule(each) && typeof each.actions === 'string' && own(reference.declarations, each.actions))(
      reference,
    ),
  'action list': without((each) => isRule(each) && typeof each.actions !== 'string'),
};

class FirstHalfOnly extends Reference {
  override halves(who: Exclude<Who, 'root'>): Half[] {
    return super.halves(who).slice(0, 1);
  }
}
class LastHalfOnly extends Reference {
  override halves(who: Exclude<Who, 'root'>): Half[] {
    return super.halves(who).slice(-1);
  }
}
class TagsUnseen extends Reference {
  override cleared(): boolean {
    return true;
  }
}
class OthersOwnNothing extends Reference {
  override mayChangeOwn(): boolean {
    return false;
  }
}

/**
 * Counts for each part of the access rules how many decisions depend on it. A decision depends on a part if it would be different without
 * it. The parts are each kind of rule, access tags and clearances, privacy, the rights of authors, and the second half of a pair.
 */
export class Distribution {
  decisions = 0;
  allowed = 0;
  readonly decided = new Map<string, number>();
  /** The number of times that each command had each answer. */
  readonly answers = new Map<string, number>();

  heard(answer: string, count: number): void {
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + count);
  }

  add(reference: Reference, decisions: readonly Decision[]): void {
    const { declarations } = reference;
    const others = Object.entries(kinds).map(([kind, make]) => [kind, [make(reference)]] as const);
    const halves = [new FirstHalfOnly(declarations), new LastHalfOnly(declarations)];
    const clearances = [new TagsUnseen(declarations), without((each) => 'clear' in each)(reference)];
    const classes = [
      ...others,
      ["pair's other half", halves] as const,
      ['clearance', clearances] as const,
      ['own memory', [new OthersOwnNothing(declarations)]] as const,
    ];
    for (const decision of decisions) {
      this.decisions++;
      const answer = answered(reference, decision);
      if (answer) this.allowed++;
      for (const [kind, altered] of classes) {
        const isUsed = altered.some((other) => answered(other, decision) !== answer);
        this.decided.set(kind, (this.decided.get(kind) ?? 0) + Number(isUsed));
      }
      const isPrivate = decidedByPrivacy(reference, decision, answer);
      this.decided.set('private', (this.decided.get('private') ?? 0) + Number(isPrivate));
    }
  }

  /**
   * Lists the parts that decide too rarely for a meaningful comparison. At least a fifth of the decisions must allow, and each part must
   * decide at least a twentieth.
   */
  tooRare(): string[] {
    const wanted = (kind: string) => (kind === 'allowed' ? 0.2 : 0.05);
    const rare = Object.entries(this.shares()).filter(([kind, share]) => share < wanted(kind));
    return rare.map(([kind, share]) => `${kind} ${share}`);
  }

  /** Returns the shares of all decisions. */
  shares(): Record<string, number> {
    const share = (count: number) => Math.round((1_000 * count) / Math.max(1, this.decisions)) / 1_000;
    return {
      allowed: share(this.allowed),
      ...Object.fromEntries([...this.decided].map(([kind, count]) => [kind, share(count)])),
    };
  }
}

/** Checks whether a decision depends on privacy: the memory is hidden because it is private, or shown only because of its author. */
function decidedByPrivacy(reference: Reference, { who, action, at }: Decision, answer: boolean): boolean {
  if (!('author' in at) || at.visibility !== 'private' || who === 'root') return false;
  return answer || reference.mayTo(who, action, { ...at, visibility: 'shared' });
}
